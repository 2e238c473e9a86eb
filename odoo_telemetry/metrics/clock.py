"""Monotonic time, the same in all processes of the machine: seconds since boot.

A stamp in the future is from before a reboot; its age is unknown.
"""

import time
from pathlib import Path

STALE_AFTER_SECONDS = 600.0
"""What was read from a database longer ago than this is not exported, unless it can only grow."""

now = time.monotonic
"""Return the current time (float, seconds since boot)."""


def age(stamp: float) -> float:
    """Return the seconds since ``stamp`` (of :func:`now`), or infinity if it is from before a reboot."""
    passed = now() - stamp
    return passed if passed >= 0 else float("inf")


def boot() -> str:
    """Return the identifier of this boot (str); '' if the kernel has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
