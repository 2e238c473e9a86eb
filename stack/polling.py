"""Waiting for what others do."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float, pause: float = 0.5) -> bool:
    """Ask for a condition again and again, with pauses; say whether it came true within so many seconds.

    It is asked at least once. By tenacity this would be longer: its RetryError would have to be caught at each call.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
