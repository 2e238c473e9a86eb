"""Ages by a clock that nobody sets: seconds since the machine started, the same in all of its processes.

What is written with it may be read after a restart of the machine, when it lies in the future: then its age is unknown.
"""

import time
from pathlib import Path

STALE_AFTER_SECONDS = 600.0
"""What was read from a database longer ago than this is not exported, unless it can only grow."""

now = time.monotonic
"""Return the present moment (float, seconds since the machine started)."""


def age(stamp: float) -> float:
    """Return the seconds since ``stamp`` (of :func:`now`), or infinity if it is not of this run of the machine."""
    passed = now() - stamp
    return passed if passed >= 0 else float("inf")


def boot() -> str:
    """Return what identifies this run of the machine (str); '' if the kernel does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
