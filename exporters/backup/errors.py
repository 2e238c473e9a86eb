"""What ends a backup job, in one sentence."""


class BackupError(Exception):
    """A backup could not be made, or is not what it should be; the text says why."""
