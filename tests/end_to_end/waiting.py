"""Waiting for a condition."""

import time


def until(condition, what, seconds=60):
    """Wait until ``condition()`` is true and return its value; ``what`` says in words what should have become true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value
