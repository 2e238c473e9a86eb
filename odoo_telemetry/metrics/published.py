"""What each database makes known to all workers of an instance: one JSON file each, replaced in one step."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from .mtime import is_settled

Content = TypeVar("Content")
Damaged = Callable[[Path, Exception], None]
"""Called for a file that can't be read and is ignored."""


def refuse(_path: Path, exception: Exception) -> None:
    """Raise what kept a file from being read."""
    raise exception


class Published(Generic[Content]):
    """The contents of all databases of an instance, as files in ``directory``.

    :param prefix: what the files' names begin with
    :param decode: converts a file's JSON to the content that readers get
    :param encode: the reverse
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
        self._files: dict[str, tuple[tuple[int, int], Content]] = {}
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
            # a file is replaced and never changed: of hundreds of files, only the new ones are read
            files = {}
            for path in self._directory.glob(f"{self._prefix}*.json"):
                with contextlib.suppress(FileNotFoundError):
                    stat = path.stat()
                    identity = stat.st_ino, stat.st_mtime_ns
                    known = self._files.get(path.name)
                    if known and known[0] == identity and is_settled(stat.st_mtime_ns):
                        files[path.name] = known
                        continue
                    content = path.read_bytes()
                    try:
                        files[path.name] = identity, self._decode(json.loads(content))
                    except Exception as exception:
                        self._damaged(path, exception)
            self._files = files
            self._databases = {
                unquote(name.removeprefix(self._prefix).removesuffix(".json")): content
                for name, (_identity, content) in files.items()
            }
            self._stamp = stamp if is_settled(stamp) else None
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
