"""When a directory's time of modification can be relied on."""

import time

_CLOCK_TICK = 1_000_000_000
"""Nanoseconds within which two changes of a directory may bear the same time."""


def is_settled(stamp: int) -> bool:
    """Return whether ``stamp`` (ns since 1970) is so old that another change would get a different one."""
    return time.time_ns() - stamp > _CLOCK_TICK
