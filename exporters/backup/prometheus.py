"""The data of Prometheus: a snapshot by its admin API, copied and read in full."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import requests

from exporters.backup import files
from exporters.backup.errors import BackupError

# A snapshot is given this name at once, so that one that a killed job leaves behind is found, and no other is deleted.
NAME = "influencegen-backup"
# Prometheus writes what it has in memory into the snapshot.
TIMEOUT_SECONDS = 600
# A Prometheus that has just started has scraped nothing yet; the rarest scrapes are a minute apart.
SCRAPE_TIMEOUT_SECONDS = 120


def back_up(url: str, data: Path, copy: Path, credential: tuple[str, str] | None) -> None:
    """Copy a snapshot of the Prometheus at `url`, whose data folder is `data`, to the new folder `copy`.

    Then read every sample of the copy, which checks the checksums of its chunks; BackupError if anything is wrong.
    `credential` is the user and the password that Prometheus wants, if it wants any.
    """
    _wait_for_samples(url, credential)
    with _snapshot(url, data / "snapshots", credential) as snapshot:
        shutil.copytree(snapshot, copy)
        files.compare(snapshot, copy)
    # a snapshot has no write-ahead log; promtool wants the folder of one, and Prometheus would make it
    (copy / "wal").mkdir()
    _read(copy)


def _wait_for_samples(url: str, credential: tuple[str, str] | None) -> None:
    """Wait until Prometheus holds anything; raise BackupError if it goes on holding nothing."""
    deadline = time.monotonic() + SCRAPE_TIMEOUT_SECONDS
    while True:
        answer = requests.get(f"{url}/api/v1/status/tsdb", auth=credential, timeout=TIMEOUT_SECONDS)
        if answer.status_code == requests.codes.unauthorized:
            raise BackupError(f"Prometheus at {url} refuses the credential: is prometheus_password_file right?")
        if answer.ok and answer.json()["data"]["headStats"]["numSeries"]:
            return
        if time.monotonic() > deadline:
            raise BackupError(
                f"Prometheus at {url} has scraped nothing for {SCRAPE_TIMEOUT_SECONDS} s: are there targets?"
            )
        time.sleep(1)


@contextmanager
def _snapshot(url: str, folder: Path, credential: tuple[str, str] | None) -> Iterator[Path]:
    """Make a snapshot, let the body copy it, and delete it: it holds disk space that Prometheus would free."""
    ours = folder / NAME
    shutil.rmtree(ours, ignore_errors=True)
    answer = requests.post(f"{url}/api/v1/admin/tsdb/snapshot", auth=credential, timeout=TIMEOUT_SECONDS)
    if not answer.ok:
        raise BackupError(
            f"Prometheus makes no snapshot ({answer.text.strip()}): it must be run with --web.enable-admin-api"
        )
    made = folder / answer.json()["data"]["name"]
    if not made.is_dir():
        raise BackupError(f"Prometheus' snapshot is not at {made}: set `data` to Prometheus' data folder")
    made.rename(ours)
    try:
        yield ours
    finally:
        shutil.rmtree(ours)


def _read(copy: Path) -> None:
    """Raise BackupError unless promtool reads as many samples as the blocks say that they have.

    promtool alone does not show that: it ends at the first damaged chunk as if that were the end.
    """
    promised = sum(json.loads(meta.read_text())["stats"].get("numSamples", 0) for meta in copy.glob("*/meta.json"))
    command: list[str | Path] = ["promtool", "tsdb", "dump", copy]
    with TemporaryFile("w+") as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as dump:
        assert dump.stdout
        samples = sum(1 for _line in dump.stdout)
        if dump.wait():
            said.seek(0)
            raise BackupError(f"promtool can't read the copy of Prometheus' data: {said.read().strip()}")
    if samples != promised or not samples:
        raise BackupError(
            f"promtool reads {samples} samples of Prometheus' data, whose blocks promise {promised}: a chunk "
            "is damaged, or series were deleted and their tombstones not cleaned"
        )
