"""Waiting for a condition."""

import time


def until(condition, what, seconds=60):
    """Wait until ``condition()`` is true and return its value; ``what`` says in words what should have become true."""
    deadline = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        if value := condition():
            return value
        now = time.monotonic()
        assert now < deadline, f"not within {seconds} s: {what}"
        # pause at least as long as the check took, so that what is waited for gets as much CPU time as the check
        time.sleep(max(0.05, now - asked))
