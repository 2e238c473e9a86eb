"""Files that several processes change: one at a time, and in one step."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_WAIT_SECONDS = 2.0
_POLL_SECONDS = 0.005


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock ``path`` (a file, made with its folder if it is missing) for the length of the block.

    :raises OSError: when it can't be made, or another process holds it for longer than two seconds.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(fd, deadline)
            if is_at(path, os.fstat(fd)):
                yield
                return
        finally:
            os.close(fd)


def _lock(fd: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)


def is_at(path: Path, stat: os.stat_result) -> bool:
    """Return whether the file with ``stat`` (os.stat_result) is at ``path``, and was not deleted or replaced."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(path), stat)
    return False


def write(path: Path, content: bytes) -> None:
    """Write ``content`` (bytes) to the file ``path`` atomically: readers see nothing or all of it.

    :raises OSError: when it can't be written; nothing has changed then.
    """
    temporary = Path(f"{path}.{os.getpid()}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
