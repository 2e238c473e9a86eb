"""Folders: copied while others write to them, and compared."""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

from exporters.backup.errors import BackupError


def add_new(source: Path, copy: Path) -> None:
    """Copy files of `source` that `copy` lacks, or has with another size or time.

    A file that disappears meanwhile is left out. Raise BackupError if there is no folder `source`.
    """
    if not source.is_dir():
        raise BackupError(f"there is no folder {source}")
    for folder, _folders, names in os.walk(source):
        target = copy / Path(folder).relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                _copy(Path(folder) / name, target / name)


def compare(source: Path, copy: Path) -> None:
    """Raise BackupError, naming a file, unless both folders hold the same files with the same content."""
    digests, copies = ({path.relative_to(root): digest(path, "sha256") for path in root.rglob("*") if path.is_file()}
                       for root in (source, copy))  # fmt: skip
    different = sorted(path for path in digests.keys() | copies.keys() if digests.get(path) != copies.get(path))
    if different:
        raise BackupError(f"{len(different)} files of {source} differ from their copies, such as {different[0]}")


def size(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def digest(path: Path, algorithm: str) -> str:
    """Return the digest of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _copy(original: Path, copy: Path) -> None:
    status = original.stat()
    if copy.exists():
        copied = copy.stat()
        if (copied.st_size, copied.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            return
    shutil.copy2(original, copy)
