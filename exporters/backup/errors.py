"""What ends a backup job, told in one sentence."""


class Failed(Exception):
    """A backup could not be made, or is not what it should be; the text says why."""
