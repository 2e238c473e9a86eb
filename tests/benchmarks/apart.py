"""A contender in a process of its own, asked and answered line by line."""

import os
import subprocess
import sys
from pathlib import Path


class Apart:
    """The process ``python -m module serve arguments…``, ended with the block.

    :param python: the Python that it is, if not this process's
    :param directory: the folder that it imports from, if not the current one
    :param environment: variables that it has besides this process's own
    """

    def __init__(self, module: str, *arguments: str, python: Path | str = sys.executable,
                 directory: Path | None = None, **environment: str):  # fmt: skip
        self._process = subprocess.Popen(
            [python, "-m", module, "serve", *arguments], cwd=directory,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment},
        )  # fmt: skip

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *_raised) -> None:
        self._process.stdin.close()
        self._process.wait()

    def ask(self, question: str = "") -> str:
        """Return the line with which the process answers a line."""
        self.say(question)
        return self._process.stdout.readline().rstrip("\n")

    def say(self, line: str) -> None:
        """Give the process a line, and do not wait for its answer."""
        print(line, file=self._process.stdin, flush=True)

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._process.kill()
        self._process.wait()


def answer(respond) -> None:
    """Answer each line of standard input with ``respond(line)``, until it ends."""
    for line in sys.stdin:
        print(respond(line.rstrip("\n")), flush=True)
