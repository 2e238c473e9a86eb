"""The faults of a drill: each is real, and lasts as long as its context."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from stack.console import StackError, run
from stack.layout import Layout
from stack.scenarios.demo import control, workers
from stack.services import gpu, odoo, postgres
from stack.system import System

Cause = Callable[[System], AbstractContextManager[None]]

PAGED = frozenset({"pager", "chat"})
WRITTEN = frozenset({"chat", "mail"})

# More than the 15 s that AiServiceSlow allows.
SLOW_SECONDS = 17
DISK_BYTES = 64 * 1024 * 1024
# Of the connections that PostgreSQL allows. The alert wants more than 95 %; the rest is left to the platform.
SHARE_HELD = 0.97


class ImpossibleFaultError(Exception):
    """A fault can't be caused on this machine; the text says why."""


@dataclass(frozen=True)
class Fault:
    """What breaks, and what on-call must be told.

    cause: a context in which it is broken.
    alert, channels: what must arrive, and where.
    says: what its text must say.
    besides: the other alerts that may arrive, each with the reason.
    busy: whether images must be asked for meanwhile.
    around: what must be there from before the fault until it is forgotten.
    """

    what: str
    cause: Cause
    alert: str
    channels: frozenset[str]
    says: str
    besides: Mapping[str, str] = field(default_factory=dict)
    busy: bool = False
    around: Cause = field(default=lambda _system: nullcontext())

    @property
    def runbook(self) -> str:
        """How the address of its runbook ends."""
        return f"/{self.alert}.md"

    def is_told_by(self, alert: str, text: str) -> bool:
        """Say whether an alert with that text is the one that must arrive."""
        return alert == self.alert and self.says in text


def behaving(service: str, **behaviour: Any) -> Cause:
    """A simulator, by the name of its port, does what its /control is told."""

    @contextmanager
    def cause(system: System) -> Iterator[None]:
        before = control(system, service, behaviour)
        try:
            yield
        finally:
            control(system, service, before)

    return cause


def stopped(program: str) -> Cause:
    """A program is stopped."""

    @contextmanager
    def cause(system: System) -> Iterator[None]:
        try:
            system.processes.stop(program)
            yield
        finally:
            system.processes.start(program)

    return cause


@contextmanager
def killed_n8n(system: System) -> Iterator[None]:
    """n8n is killed, and not started again."""
    try:
        system.processes.kill("n8n")
        yield
    finally:
        system.processes.start("n8n")


@contextmanager
def missing_worker(system: System) -> Iterator[None]:
    """A worker of Odoo is killed while its master, who would replace it, is held."""
    master = psutil.Process(system.processes.pid("odoo"))
    worker = workers(system)[0]
    master.send_signal(signal.SIGSTOP)
    try:
        worker.kill()
        yield
    finally:
        master.send_signal(signal.SIGCONT)


@contextmanager
def crowded_postgres(system: System) -> Iterator[None]:
    """Nearly all connections to PostgreSQL are held."""
    layout = system.layout
    [(most,)] = postgres.execute(layout, "SELECT current_setting('max_connections')::integer")
    used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    with ExitStack() as held:
        while (missing := int(SHARE_HELD * most) - postgres.execute(layout, used, role=postgres.MONITOR)[0][0]) > 0:
            for _number in range(missing):
                held.enter_context(closing(psycopg2.connect(**postgres.dsn(layout, "postgres"))))
        yield


@contextmanager
def lost_gpu(system: System) -> Iterator[None]:
    """NVIDIA's library loses its driver: the simulator's does."""
    if gpu.present():
        raise ImpossibleFaultError("the machine has a GPU of its own, whose driver is not the drill's to take away")
    gpu.control(system.layout, "all error 9")
    try:
        yield
    finally:
        gpu.control(system.layout)


@contextmanager
def broken_backup(system: System) -> Iterator[None]:
    """A backup of the platform is made while a file that the database names is not in the filestore."""
    layout = system.layout
    [(name,)] = postgres.execute(
        layout, "SELECT store_fname FROM ir_attachment WHERE store_fname IS NOT NULL ORDER BY id LIMIT 1",
        database=odoo.DATABASE)  # fmt: skip
    file = odoo.files(layout) / "filestore" / odoo.DATABASE / name
    aside = file.with_name(f"{file.name}.drill")
    file.rename(aside)
    try:
        _back_up(layout)
        yield
    finally:
        aside.rename(file)


def _back_up(layout: Layout) -> None:
    """Make a backup of the platform now, after the one that may be under way; how it ends is for the alert to say."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "exporters.backup",
        "--config",
        layout.state / "backup.yml",
        "run",
        "platform",
    ]
    while "by another process" in subprocess.run(command, stderr=subprocess.PIPE, text=True).stderr:
        time.sleep(1)


@contextmanager
def disk(system: System) -> Iterator[None]:
    """A small disk of its own is mounted: an image in the state folder."""
    if os.geteuid():
        raise ImpossibleFaultError("only root may mount a disk")
    image, log = _disk(system).with_suffix(".img"), system.layout.logs / "drill.log"
    _disk(system).mkdir(parents=True, exist_ok=True)
    with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
    try:
        run(["mkfs.ext4", "-q", image], log=log)
        run(["mount", "-o", "loop", image, _disk(system)], log=log)
    except (OSError, StackError) as error:
        raise ImpossibleFaultError(f"no disk image can be mounted here: {error}") from error
    try:
        yield
    finally:
        run(["umount", _disk(system)], log=log)
        image.unlink()


@contextmanager
def full_disk(system: System) -> Iterator[None]:
    """That disk is full to the last twentieth."""
    filling = _disk(system) / "filling"
    try:
        with open(filling, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, int(0.95 * shutil.disk_usage(_disk(system)).free))
        yield
    finally:
        filling.unlink()


def _disk(system: System) -> Path:
    return system.layout.state / "drill" / "disk"


# N8nDown and OdooDown silence these while they last.
AFTERWARDS = {
    "TargetMissing": "the service answers its probe again some seconds before its metrics are scraped again",
    "PlatformAvailabilityBudgetBurnSlow": "it wakes nobody, and tells what a core outage has cost",
}

FAULTS = (
    Fault(
        f"the AI service takes {SLOW_SECONDS} s for an image",
        behaving("ai", latency={"median": SLOW_SECONDS, "sigma": 0}),
        "AiServiceSlow", WRITTEN, "the threshold is 15 s", busy=True,
    ),
    Fault(
        "the AI service fails every request", behaving("ai", fail_rate=1),
        "AiServiceErrorRateHigh", PAGED, "calls a second from n8n to the AI image service failed",
        {
            "CircuitBreakerOpen": "n8n stops calling a service that fails, and that is told after 1 minute, not 5",
            "AiServiceErrorBudgetBurnSlow": "it wakes nobody, and tells what the failures have cost",
        },
        busy=True,
    ),
    Fault("the KYC provider is stopped", stopped("kyc_provider"), "KycServiceDown", WRITTEN, "service_name=kyc"),
    Fault("the GPU's driver is lost", lost_gpu, "GpuMissing", PAGED, "gpu_up is 0"),
    Fault(
        "the exporter of slow queries is stopped", stopped("slow_queries"),
        "TargetMissing", PAGED, "job=slow-queries",
    ),
    Fault(
        "a worker of Odoo is killed, and its master can't replace it", missing_worker,
        "OdooWorkersMissing", PAGED, "1 of the http workers",
    ),
    Fault(
        f"{100 * SHARE_HELD:.0f} % of PostgreSQL's connections are held", crowded_postgres,
        "PostgresConnectionsCritical", PAGED, "the threshold is 95%",
    ),
    Fault(
        "a disk fills to 95 %", full_disk,
        "DiskSpaceCritical", PAGED, "/drill/disk", around=disk,
    ),
    Fault(
        "a backup misses a file, and fails its verification", broken_backup,
        "BackupJobFailed", PAGED, "of the last 24 hours succeeded",
    ),
    Fault("n8n is killed, and stays down", killed_n8n, "N8nDown", PAGED, "service_name=n8n", AFTERWARDS),
    Fault("Odoo is stopped", stopped("odoo"), "OdooDown", PAGED, "service_name=odoo", AFTERWARDS),
)  # fmt: skip
