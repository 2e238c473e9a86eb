"""What each database makes known to all workers of an instance: one JSON file each, replaced in one step."""

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

_CLOCK_TICK = 1_000_000_000
"""Nanoseconds within which two changes of a directory may bear the same time."""


Content = TypeVar("Content")
Damaged = Callable[[Path, Exception], None]
"""What is called for a file that can't be read, which is left out then."""


def refuse(_path: Path, exception: Exception) -> None:
    """Raise what kept a file from being read."""
    raise exception


class Published(Generic[Content]):
    """The contents of all databases of an instance, as files in ``directory``.

    :param prefix: what the files' names begin with
    :param decode: makes of a file's JSON what readers are given
    :param encode: makes of that what JSON can say
    """

    def __init__(
        self,
        directory: Path,
        prefix: str,
        decode: Callable[[Any], Content],
        encode: Callable[[Content], object],
        damaged: Damaged = refuse,
    ) -> None:
        self._directory = Path(directory)
        self._prefix = prefix
        self._decode, self._encode = decode, encode
        self._damaged = damaged
        self._stamp: int | None = None
        self._databases: dict[str, Content] = {}

    def publish(self, database: str, content: Content) -> None:
        """Replace the content of ``database``; readers see the old or the new one.

        :raises OSError: when it can't be written.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(database)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._encode(content), file)
        temporary.replace(path)

    def withdraw(self, database: str) -> None:
        """Forget ``database``."""
        self._path(database).unlink(missing_ok=True)

    def exist(self) -> bool:
        """Return whether a database was ever published here."""
        return self._directory.is_dir()

    def databases(self) -> dict[str, Content]:
        """Return {database name: decoded content}, read again only when a file was published or withdrawn."""
        try:
            stamp = os.stat(self._directory).st_mtime_ns
        except FileNotFoundError:
            return {}
        if stamp != self._stamp:
            found = {}
            for path in self._directory.glob(f"{self._prefix}*.json"):
                with contextlib.suppress(FileNotFoundError):
                    content = path.read_bytes()
                    try:
                        found[unquote(path.stem.removeprefix(self._prefix))] = self._decode(json.loads(content))
                    except Exception as exception:
                        self._damaged(path, exception)
            self._databases = found
            self._stamp = stamp if time.time_ns() - stamp > _CLOCK_TICK else None
        return self._databases

    def restore(self) -> None:
        """Publish again what was last read, where its file is missing.

        :raises OSError: when it can't be written.
        """
        for database, content in list(self._databases.items()):
            if not self._path(database).exists():
                self.publish(database, content)

    def _path(self, database: str) -> Path:
        return self._directory / f"{self._prefix}{quote(database, safe='')}.json"
