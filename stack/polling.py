"""Polling."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], seconds: float, pause: float = 0.5) -> bool:
    """Poll a condition; return whether it became true within `seconds`.

    It is checked at least once. With tenacity this would be longer: each call would have to catch its RetryError.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
