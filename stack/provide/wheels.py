"""The addons' wheels: one for each series of Odoo, from one source.

In the source, the version of an addon is x.y.z, and Odoo puts its own series before it. OCA writes the series into
the source, but Odoo 19.0 does not install an addon whose version begins with 18.0. So it is added when a wheel is
built.
"""

import re
import shutil
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from whool import buildapi

from stack.layout import ADDONS

SERIES = ("18.0", "19.0")
_BEFORE_VERSION = re.compile(r'(?<="version": ")(?=\d+\.\d+\.\d+")')


def build(project: Path, folder: Path) -> list[Path]:
    """Build the wheels of the addons in `project` for each of `SERIES`; return their paths, which are in `folder`.

    :raises manifestoo_core.exceptions.ManifestooException: when a manifest has no version x.y.z
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [folder / _build(project / addon, series, folder) for addon in ADDONS for series in SERIES]


def _build(addon: Path, series: str, folder: Path) -> str:
    with TemporaryDirectory() as temporary:
        copy = Path(temporary) / addon.name
        shutil.copytree(addon, copy, ignore=shutil.ignore_patterns("__pycache__"))
        manifest = copy / "__manifest__.py"
        manifest.write_text(_BEFORE_VERSION.sub(f"{series}.", manifest.read_text()))
        with chdir(copy):
            return buildapi.build_wheel(str(folder))
