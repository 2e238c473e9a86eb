"""A real browser: the Chromium on PATH, or else Debian's, unpacked with what the machine lacks for it."""

import os
import shutil
from pathlib import Path

from stack.layout import cache
from stack.provide import debian

GENERIC = {"sans-serif": "DejaVu Sans", "system-ui": "DejaVu Sans", "monospace": "DejaVu Sans Mono"}
"""What to show where a page leaves the font to the machine: without this it may be one with serifs."""
NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")


def chromium() -> Path:
    """Return the path of a Chromium that runs as it is; its folder can be put on PATH."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    debian.unpacked_with_dependencies("fonts-dejavu-core")
    root = debian.unpacked_with_dependencies("chromium")
    place = cache() / "chromium"
    place.mkdir(parents=True, exist_ok=True)
    _replace(place / "fonts.conf", _fonts(root, place))
    return _replace(place / "chromium", _launcher(root, place), mode=0o755)


def _launcher(root: Path, place: Path) -> str:
    libraries = sorted({str(path.parent) for path in root.glob("usr/lib/*-linux-gnu/**/lib*.so*")})
    return (
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH='{':'.join(libraries)}' FONTCONFIG_FILE='{place}/fonts.conf'\n"
        f"exec '{root}/usr/lib/chromium/chromium' \"$@\"\n"
    )


def _fonts(root: Path, place: Path) -> str:
    return (
        '<?xml version="1.0"?>\n'
        '<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n'
        f"<fontconfig><dir>{root}/usr/share/fonts</dir><dir>/usr/share/fonts</dir>"
        f"{''.join(_prefer(generic, font) for generic, font in GENERIC.items())}"
        f"<cachedir>{place}/fonts</cachedir></fontconfig>\n"
    )


def _prefer(generic: str, font: str) -> str:
    return f"<alias><family>{generic}</family><prefer><family>{font}</family></prefer></alias>"


def _replace(path: Path, text: str, mode: int = 0o644) -> Path:
    """Write a file in one step, because several may do so at once."""
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text)
        temporary.chmod(mode)
        temporary.replace(path)
    return path
