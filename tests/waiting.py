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
        # what is waited for gets at least as much of the processor as the question
        time.sleep(max(0.05, now - asked))
