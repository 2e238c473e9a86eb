"""What is made in the cache once, however many ask for it at the same time."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(place: Path, make: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, made by `make(place)` unless it is complete.

    One process at a time makes it, from nothing: what an interrupted one left is deleted.
    """
    complete = place / ".complete"
    if not complete.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place.with_name(f"{place.name}.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not complete.exists():
                shutil.rmtree(place, ignore_errors=True)
                make(place)
                complete.touch()
    return place
