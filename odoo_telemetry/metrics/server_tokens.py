"""The tokens of the whole server: given by whoever runs it, in its configuration, a variable or a file.

Each opens all databases of the server that are measured. They are kept as digests.
"""

import contextlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path

from .errors import Errors
from .settings import digest

_Stamp = tuple[int, int, int] | None


def is_among(given: str, digests: Iterable[str]) -> bool:
    """Return whether ``given``, a digest, is one of ``digests``, comparing in constant time."""
    return any([hmac.compare_digest(given, known) for known in digests])  # noqa: C419


class ServerTokens:
    """The valid tokens of the server; none until :meth:`configure` is called, which each process does at its start."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors
        self.configure(None, None)

    def configure(self, token: str | None, path: str | None) -> None:
        """Set the token, and the file with further ones.

        :param token: None if there is none; an empty one is refused, which is logged
        :param path: of a file with one token per line, which is read again when it changes; None if there is none
        """
        self._digests = self._read("the server's token", [token]) if token is not None else []
        self._path = Path(path) if path else None
        self._stamp: _Stamp = None
        self._of_file: list[str] = []
        if path is not None:
            self._refresh()

    def digests(self) -> list[str]:
        """Return the digests of the tokens that are valid now."""
        if self._path is not None:
            self._refresh()
        return [*self._digests, *self._of_file]

    def _refresh(self) -> None:
        stamp = self._stat()
        if stamp is not None and stamp == self._stamp:
            return
        lines: list[str] = []
        if self._path is not None:
            # the tokens of a file that was deleted are no longer valid
            with contextlib.suppress(OSError, UnicodeDecodeError):
                lines = self._path.read_text().splitlines()
        found = self._read(f"the file {self._path or ''} of the server's token", lines)
        self._stamp, self._of_file = stamp, found

    def _stat(self) -> _Stamp:
        try:
            found = os.stat(self._path or "")
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self, source: str, texts: Iterable[str]) -> list[str]:
        digests = [digest(text.strip()) for text in texts if text.strip()]
        if not digests:
            self._errors.count("settings", "%s is empty or can't be read, and is ignored", source)
        return digests
