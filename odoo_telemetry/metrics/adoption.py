"""Migration of the metrics directory of earlier versions, done once, so that no counter decreases."""

import json
import os
import re
import shutil
from pathlib import Path

from . import files, slots
from .metric import METRICS
from .published import Damaged
from .values import DamagedError, SlotValues, entries, make_key

_FORMER = re.compile(r"[0-9a-f]{12}")
"""Earlier versions named the directory by a hash over the catalogue."""


def adopt(directory: Path, damaged: Damaged) -> None:
    """Create ``directory`` (path) from the earlier one beside it that is, or was last, in use; delete unused ones.

    Creates nothing if ``directory`` is complete. To be called while the directory is locked.

    :param damaged: called for a file that can't be read
    :raises OSError: when the disk is full; a later call starts over.
    """
    former = [path for path in directory.parent.glob("*/slots") if _FORMER.fullmatch(path.parent.name)]
    if not former:
        return
    if not (directory / "slots").exists():
        newest = max(former, key=lambda path: (slots.is_used(path), path.parent.stat().st_mtime_ns)).parent
        _copy(newest, directory, damaged)
    for path in former:
        if not slots.is_used(path):
            shutil.rmtree(path.parent, ignore_errors=True)


def _copy(former: Path, directory: Path, damaged: Damaged) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in former.glob("values-*.db"):
        copy = directory / path.name
        copy.unlink(missing_ok=True)
        try:
            _copy_values(path, SlotValues(copy))
        except DamagedError as exception:
            damaged(path, exception)
    # custom metrics are read again: each build writes them in its own way
    for path in (former / "labels", *former.glob("databases/*.json")):
        if path.exists():
            copy = directory / path.relative_to(former)
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            files.write(copy, path.read_bytes())
    files.write(directory / "slots", slots.make(os.urandom(16), {}))


def _copy_values(path: Path, copy: SlotValues) -> None:
    content = path.read_bytes()
    if not content:
        return
    view: memoryview[float] = memoryview(content[: len(content) // 8 * 8]).cast("d")
    for key, at in entries(path, content, _parsed):
        metric, database, labels, sample = _parsed(key)
        known = METRICS.get(metric)
        # an addon may declare its metrics later
        if known is None or len(labels) == len(known.labels):
            # times were of another clock: a gauge is read again soon
            copied, index = copy.cell(make_key(metric, database, labels, sample))
            copied[index] = view[at // 8]


def _parsed(key: bytes) -> tuple[str, str | None, list[str], str]:
    metric, database, labels, sample = json.loads(key)
    "".join((metric, database or "", *labels, sample))
    return metric, database, labels, sample
