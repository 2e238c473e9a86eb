"""Files and folders for their owner's eyes only, whatever was there before and whatever the umask."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from stack.console import StackError

FOLDER = 0o700
FILE = 0o600


def folder(path: Path) -> Path:
    """Make a folder that only its owner may enter, or restrict an existing one to its owner, and return it.

    :raises StackError: when it is a link, not a folder, or another user's: its owner could grant others access again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=FOLDER)
    except FileExistsError:
        _check(path, path.lstat(), stat.S_ISDIR, "a folder")
    path.chmod(FOLDER)
    return path


def read(path: Path) -> str | None:
    """Return the text of a file, or None if there is none; other users lose access to it.

    :raises StackError: when it is a link, not a regular file, or another user's: its content can't be trusted.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StackError(f"{path} can't be read ({error.strerror}): remove it, and run this again.") from error
    try:
        _check(path, os.fstat(descriptor), stat.S_ISREG, "a regular file")
        os.fchmod(descriptor, FILE)
    except BaseException:
        os.close(descriptor)
        raise
    with open(descriptor) as file:
        return file.read()


def write(path: Path, text: str) -> None:
    """Write a file, whole or not at all, in place of whatever has its name.

    It is a new file: open descriptors of the old one, hard links to it and its permissions give no access to it.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
    with open(descriptor, "w") as file:
        # a umask can only take rights away, even the owner's own
        os.fchmod(descriptor, FILE)
        file.write(text)
    unfinished.rename(path)


def _check(path: Path, found: os.stat_result, is_kind: Callable[[int], bool], kind: str) -> None:
    if not is_kind(found.st_mode):
        raise StackError(f"{path} is not {kind}: remove it, or set INFLUENCEGEN_STATE to another place.")
    if found.st_uid != os.geteuid():
        raise StackError(f"{path} belongs to another user: remove it, or set INFLUENCEGEN_STATE to another place.")
