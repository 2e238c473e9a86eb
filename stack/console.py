"""Console output: one line per long step, and errors as one sentence instead of a traceback."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict, Unpack


class StackError(Exception):
    """Something the user can fix; the text says what is wrong and what to do."""


class Options(TypedDict, total=False):
    """The arguments of subprocess.run that `run` passes on."""

    cwd: str | Path | None
    env: Mapping[str, str]
    input: str | None
    text: bool
    user: int
    group: int
    extra_groups: list[int]


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print `text`, run the body, and print how many seconds it took."""
    print(f"  {text} ... ", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print("stopped", flush=True)
        raise
    print(f"{time.monotonic() - started:.1f} s", flush=True)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the program with the sentence of a StackError, or quietly on Ctrl-C, with a status other than 0."""
    try:
        yield
    except StackError as trouble:
        sys.exit(f"\n{trouble}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(command: Sequence[str | Path], *, log: Path, **options: Unpack[Options]) -> None:
    """Run a command with its output appended to `log`; raise StackError with the last lines if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise StackError(f"{Path(command[0]).name} failed with status {done.returncode}.\n{tail(log)}")


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, preceded by its path."""
    text = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join([f"The end of {log}:", *(f"    {line}" for line in text[-lines:])])
