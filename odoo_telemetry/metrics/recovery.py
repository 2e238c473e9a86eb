"""Recovery of a deleted metrics directory from the files that processes still have mapped.

The first process that detects the loss writes its mapped files to a new directory with the same identity. Each of the
others then claims its slot again and updates its values. If another process has already created a new directory, the
lost slots are renumbered there, once (file ``restored``). All of this is done under the lock of the directory, and can
be repeated from any point.
"""

import contextlib
import json
import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from . import files, slots
from .values import DamagedError, SlotValues, entries

SHARED = "shared"
_VALUES = re.compile(rf"values-(\d+|{SHARED})\.db")
_RESTORED = "restored"


class Lost(NamedTuple):
    """What a process still has mapped of a lost directory.

    identity: of the directory (bytes).
    contents: {file name: bytes} of the files that it has mapped.
    live: {slot: kind} of the slots whose holders are alive.
    """

    identity: bytes
    contents: dict[str, bytes]
    live: dict[int, str]


def restore(directory: Path, lost: Lost, held: slots.Slots | None = None) -> tuple[slots.Slots, dict[int, int]]:
    """Write ``lost`` into ``directory`` (path) unless others have; to be called while the directory is locked.

    :param held: the :class:`.slots.Slots` of the directory, if its file was not lost
    :return: (:class:`.slots.Slots` of the directory, {number of a lost slot: its number now})
    :raises OSError: when it can't be written; a later call goes on from there.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / "slots"
    parts = {match[1]: content for name, content in lost.contents.items() if (match := _VALUES.fullmatch(name))}
    with contextlib.ExitStack() as undo:
        if held is None and path.exists():
            held = slots.Slots(path)
            undo.callback(held.close)
        numbers: dict[str, str] = {}
        if held and held.identity != lost.identity:
            numbers = _numbers(directory, lost, {*parts, *map(str, lost.live)})
        for old, content in parts.items():
            new = numbers.get(old, old)
            its_holder_does = held is not None and new != SHARED and held.is_held(int(new))
            _write_values(directory / f"values-{new}.db", content, its_holder_does)
        if held is None:
            # last: with it the directory is whole
            files.write(path, slots.make(lost.identity, lost.live))
            held = slots.Slots(path)
        now = {slot: int(numbers.get(str(slot), slot)) for slot in lost.live}
        for slot, kind in lost.live.items():
            held.reserve(now[slot], kind)
        undo.pop_all()
    return held, now


def _numbers(directory: Path, lost: Lost, parts: Collection[str]) -> dict[str, str]:
    """Return {lost slot: slot now} as text for the ``parts`` of ``lost``, in a directory that others have made."""
    path, identity = directory / _RESTORED, lost.identity.hex()
    restored: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
    numbers = restored.setdefault(identity, {})
    missing = sorted(set(parts) - numbers.keys())
    if missing:
        names = [match[1] for match in map(_VALUES.fullmatch, (file.name for file in directory.iterdir())) if match]
        names += [number for known in restored.values() for number in known.values()]
        free = max((int(name) for name in names if name != SHARED), default=-1) + 1
        numbers |= {part: str(number) for number, part in enumerate(missing, free)}
        # before the values: whoever goes on from here writes them under the same numbers
        files.write(path, json.dumps(restored).encode())
    return numbers


def _write_values(path: Path, content: bytes, is_held: bool) -> None:
    """Write a lost file's values if the file is missing, or if they are behind and its slot has no live holder."""
    if path.exists() and (is_held or path.read_bytes() == content):
        return
    try:
        found = [(key, at // 8) for key, at in entries(path, content)]
        if not path.exists():
            files.write(path, content)
        else:
            values = SlotValues(path)
            view: memoryview[float] = memoryview(content).cast("d")
            for key, index in found:
                advance(values, key, view[index], view[index + 1])
    except DamagedError:
        # it was set aside, or will be by whoever reads it
        return


def advance(values: SlotValues, key: bytes, value: float, stamp: float) -> None:
    """Bring what :class:`.values.SlotValues` ``values`` has for ``key`` to ``value`` unless it is further.

    A counter is further when it is larger, a gauge when it was set later (``stamp``; that of a counter is not above 0).
    """
    if not math.isfinite(value):
        return
    view, index = values.cell(key, min(stamp, 0.0))
    known = view[index + 1]
    if stamp > max(known, 0.0):
        view[index + 1] = stamp
        view[index] = value
    elif stamp <= 0 and known <= 0:
        # when it appeared first, if that is known
        view[index + 1] = max(stamp, known) if stamp and known else 0.0
        if value > view[index]:
            view[index] = value
