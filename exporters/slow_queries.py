"""Exports the exact number of slow statements, from PostgreSQL's JSON log.

PostgreSQL writes a line for each statement that took ``log_min_duration_statement`` or longer, when it has ended. It
writes the same line for quicker statements if it samples statements or transactions, so a line is counted only if its
duration reaches the threshold. A scrape reads the lines that came since the one before. What was read and what was
counted is stored together, before the scrape is answered, so that no line is counted twice or left out, however often
either side is restarted.
"""

import argparse
import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

# With the extended protocol, PostgreSQL logs three lines (parse, bind, execute), and only the execute line is counted.
# A line with the duration alone belongs to a statement whose text was logged before, and is counted too.
DURATION = re.compile(r"duration: ([\d.]+) ms(?:$|  statement: |  execute )")
# The same line in another language than English, such as "Dauer: 1000.123 ms  Anweisung: …".
TRANSLATED = re.compile(r"(?!duration:)[^\d\W][^\d:\"]{0,40}[::] ?\d+\.\d{3} ")
OTHER = "other"


class DamagedStateError(Exception):
    """The file with what was counted can't be used."""


@dataclass
class State:
    """What was read and counted so far.

    offsets: bytes read of each existing log file, by the hash of its first line: the hash survives a rename, and
    changes when the file is overwritten.
    statements: slow statements by database.
    unreadable: lines that were not a JSON object.
    translated: lines about durations in another language than English; none of them is counted.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    statements: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    translated: int = 0

    @classmethod
    def load(cls, path: Path) -> "State":
        """Return the state stored at `path`, empty if there is no file; raise DamagedStateError if it is damaged."""
        try:
            stored = json.loads(path.read_bytes())
            return cls(
                stored["offsets"], Counter(stored["statements"]), stored["unreadable"], stored.get("translated", 0)
            )
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedStateError(
                f"{path} is damaged ({error}): delete it, and the log is counted from the start."
            ) from error

    def store(self, path: Path) -> None:
        """Write it to `path`, whole or not at all."""
        unfinished = path.with_suffix(".unfinished")
        with open(unfinished, "w") as file:
            json.dump(vars(self), file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)


class SlowQueries:
    """Collector of the counters.

    databases: those with their own series; statements in others count as other.
    threshold: duration, in seconds, from which a statement is slow.
    """

    def __init__(self, logs: Path, state: Path, databases: Sequence[str], threshold: float):
        self._logs = logs
        self._path = state
        self._threshold = threshold
        self._databases = (*databases, OTHER)
        self._state = State.load(state)
        self._lock = threading.Lock()

    def collect(self) -> Iterator[Metric]:
        """Read what is new in the log, and yield the counters.

        Raises OSError if the log is not there or can't be read, or what was counted can't be stored.
        """
        with self._lock:
            state = self._read()
            if state != self._state:
                state.store(self._path)
                self._state = state
        statements = CounterMetricFamily(
            "postgresql_slow_queries", "Statements that took the threshold or longer.", labels=["database"]
        )
        for database in self._databases:
            statements.add_metric([database], state.statements[database])
        yield statements
        yield CounterMetricFamily(
            "postgresql_slow_queries_unreadable_lines", "Lines of the log that could not be read.", state.unreadable
        )
        yield CounterMetricFamily(
            "postgresql_slow_queries_translated_lines",
            "Lines about durations in another language than English: they are not counted as statements.",
            state.translated,
        )
        yield GaugeMetricFamily(
            "postgresql_slow_queries_threshold_seconds", "Threshold for slow statements.", self._threshold
        )

    def _read(self) -> State:
        """Return the state after all that is in the log now."""
        state = replace(self._state, offsets={}, statements=self._state.statements.copy())
        paths = sorted(path for path in self._logs.iterdir() if path.suffix == ".json")
        if not paths:
            raise FileNotFoundError(f"{self._logs} holds no JSON log: log_destination of PostgreSQL must be jsonlog.")
        for path in paths:
            with open(path, "rb") as log:
                self._read_file(log, state)
        return state

    def _read_file(self, log: BinaryIO, state: State) -> None:
        first = log.readline()
        if not first.endswith(b"\n"):
            return
        identity = hashlib.sha256(first).hexdigest()
        offset = state.offsets.get(identity) or self._state.offsets.get(identity, 0)
        log.seek(offset)
        for line in log:
            # the rest of a line that is being written comes next time
            if not line.endswith(b"\n"):
                break
            offset += len(line)
            self._count(line, state)
        state.offsets[identity] = offset

    def _count(self, line: bytes, state: State) -> None:
        try:
            record = json.loads(line.decode(errors="replace"))
            message, database = record["message"], record.get("dbname", OTHER)
        except (ValueError, KeyError, TypeError):
            state.unreadable += 1
            return
        duration = DURATION.match(message)
        if duration is None:
            # a message that a function raises has a context, PostgreSQL's own lines about durations have none
            state.translated += "context" not in record and bool(TRANSLATED.match(message))
        elif float(duration[1]) >= 1000 * self._threshold:
            state.statements[database if database in self._databases else OTHER] += 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve /metrics until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m exporters.slow_queries", description=__doc__.split("\n\n")[0])
    parser.add_argument("--logs", type=Path, required=True, help="PostgreSQL's log_directory, with its jsonlog")
    parser.add_argument("--state", type=Path, required=True, help="file that keeps what was counted")
    parser.add_argument("--database", action="append", default=[], help="database with its own series; repeatable")
    parser.add_argument(
        "--threshold",
        type=float,
        default=1,
        metavar="SECONDS",
        help="value of PostgreSQL's log_min_duration_statement, in seconds",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3903)
    chosen = parser.parse_args(arguments)
    # registering collects once, so that an unusable log or state file fails at the start
    registry = CollectorRegistry(auto_describe=True)
    try:
        registry.register(SlowQueries(chosen.logs, chosen.state, chosen.database, chosen.threshold))
    except (OSError, DamagedStateError) as error:
        parser.exit(1, f"{error}\n")
    thread = start_http_server(chosen.port, chosen.host, registry)[1]
    thread.join()


if __name__ == "__main__":
    main()
