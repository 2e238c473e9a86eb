"""The faults of a fault drill: each is real, and lasts as long as its context."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from stack.console import StackError, run
from stack.layout import Layout
from stack.polling import wait_until
from stack.scenarios.demo import control, workers
from stack.scenarios.traffic import administrator
from stack.services import gpu, odoo, postgres
from stack.system import System

Cause = Callable[[System], AbstractContextManager[None]]

PAGED = frozenset({"pager", "chat"})
WRITTEN = frozenset({"chat", "mail"})

# More than the 15 s that AiServiceSlow allows.
SLOW_SECONDS = 17
DISK_BYTES = 64 * 1024 * 1024
JOB = "Fault drill"
# An advisory lock of PostgreSQL that nothing else takes.
LOCK = 7_271_828
_AT_REST = {"active": True, "code": "model.browse()", "nextcall": "2100-01-01 00:00:00"}
# Of the connections that PostgreSQL allows. The alert wants more than 95%; the rest is left to the platform.
SHARE_HELD = 0.97


class ImpossibleFaultError(Exception):
    """A fault can't be caused on this machine; the text says why."""


@dataclass(frozen=True)
class Fault:
    """What breaks, and what on-call must be notified of.

    cause: a context in which it is broken.
    alert, channels: what must arrive, and where.
    says: what its text must say.
    besides: the other alerts that may arrive, each with the reason.
    busy: whether images are requested during the fault.
    around: a context that is entered before the fault, and left after its alerts are resolved.
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

    def is_named_in(self, alert: str, text: str) -> bool:
        """Say whether an alert with that text is the one that must arrive."""
        return alert == self.alert and self.says in text


def behaving(service: str, **behaviour: Any) -> Cause:
    """Set the /control of a simulator, given by port name."""

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
    """The GPU driver is lost: every call of the stub of NVML fails."""
    if gpu.present():
        raise ImpossibleFaultError("NVIDIA's driver is installed, and the fault drill does not remove it")
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
    """The disk of `disk` is filled to 95%."""
    filling = _disk(system) / "filling"
    try:
        with open(filling, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, int(0.95 * shutil.disk_usage(_disk(system)).free))
        yield
    finally:
        filling.unlink()


@contextmanager
def scheduled_job(system: System) -> Iterator[None]:
    """Odoo has one more scheduled action, which is not due."""
    admin = administrator(system)
    [model] = admin.call("ir.model", "search", [("model", "=", "res.partner")])
    job = {"name": JOB, "model_id": model, "state": "code", "interval_type": "days", **_AT_REST}
    made = admin.call("ir.cron", "create", [job])
    try:
        yield
    finally:
        admin.call("ir.cron", "unlink", made)


@contextmanager
def failing_job(system: System) -> Iterator[None]:
    """The action of `scheduled_job`, which has failed for years, fails once more: Odoo deactivates it."""
    admin = administrator(system)
    jobs = admin.call("ir.cron", "search", [("name", "=", JOB)])
    doomed = {
        "code": "1 / 0",
        "failure_count": 99,
        "first_failure_date": "2020-01-01 00:00:00",
        # due now: if it were overdue, OdooCronOverdue would fire
        "nextcall": _odoo_time(),
    }
    admin.call("ir.cron", "write", jobs, doomed)
    try:
        yield
    finally:
        admin.call("ir.cron", "write", jobs, {"failure_count": 0, "first_failure_date": False, **_AT_REST})


@contextmanager
def hanging_job(system: System) -> Iterator[None]:
    """The action of `scheduled_job`, which was due an hour ago, waits for a lock that another session holds."""
    admin = administrator(system)
    jobs = admin.call("ir.cron", "search", [("name", "=", JOB)])

    def last_run() -> object:
        return admin.call("ir.cron", "read", jobs, ["lastcall"])[0]["lastcall"]

    before = last_run()
    waiting = {
        "code": f"env.cr.execute('SELECT pg_advisory_xact_lock({LOCK})')",
        "interval_type": "minutes",
        "nextcall": _odoo_time(hours_ago=1),
    }
    try:
        with closing(psycopg2.connect(**postgres.dsn(system.layout, odoo.DATABASE))) as holder:
            with holder.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            admin.call("ir.cron", "write", jobs, waiting)
            yield
    finally:
        # Odoo refuses changes of an action while it runs
        wait_until(lambda: last_run() != before, 60)
        admin.call("ir.cron", "write", jobs, {"interval_type": "days", **_AT_REST})


def _odoo_time(hours_ago: int = 0) -> str:
    return f"{datetime.now(UTC) - timedelta(hours=hours_ago):%Y-%m-%d %H:%M:%S}"


def _disk(system: System) -> Path:
    return system.layout.state / "drill" / "disk"


# N8nDown and OdooDown inhibit these while they fire.
AFTERWARDS = {
    "TargetMissing": "the service answers its probe again some seconds before its metrics are scraped again",
    "PlatformAvailabilityBudgetBurnSlow": "it does not page, and shows the error budget that a core outage used",
}

FAULTS = (
    Fault(
        f"the AI service takes {SLOW_SECONDS} s for an image",
        behaving("ai", latency={"median": SLOW_SECONDS, "sigma": 0}),
        "AiServiceSlow", WRITTEN, "the threshold is 15 s", busy=True,
    ),
    Fault(
        "the AI service fails every request", behaving("ai", fail_rate=1),
        "AiServiceErrorRateHigh", PAGED, "calls per second from n8n to the AI image service failed",
        {
            "CircuitBreakerOpen": "n8n stops calling a failing service, and this alert has a `for` of 1 minute, not 5",
            "AiServiceErrorBudgetBurnSlow": "it does not page, and shows the error budget that the failures used",
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
        "a scheduled action fails for the last time, and Odoo deactivates it", failing_job,
        "OdooCronDeactivated", WRITTEN, "Odoo has deactivated the scheduled action Fault drill",
        {
            "OdooJobsFailing": "its only run of the last hour failed",
            "OdooApplicationErrors": "the failure is a logged error, and one in a short window exceeds the threshold",
        },
        around=scheduled_job,
    ),
    Fault(
        "a run of a scheduled action waits for a lock", hanging_job,
        "OdooCronOverdue", WRITTEN, "The scheduled action Fault drill", around=scheduled_job,
    ),
    Fault(
        "a worker of Odoo is killed, and its master can't replace it", missing_worker,
        "OdooWorkersMissing", PAGED, "1 http workers",
    ),
    Fault(
        f"{100 * SHARE_HELD:.0f}% of PostgreSQL's connections are held", crowded_postgres,
        "PostgresConnectionsCritical", PAGED, "the threshold is 95%",
    ),
    Fault(
        "a disk fills to 95%", full_disk,
        "DiskSpaceCritical", PAGED, "/drill/disk", around=disk,
    ),
    Fault(
        "a backup misses a file, and fails its verification", broken_backup,
        "BackupJobFailed", PAGED, "of the last 24 hours succeeded",
    ),
    Fault("n8n is killed, and stays down", killed_n8n, "N8nDown", PAGED, "service_name=n8n", AFTERWARDS),
    Fault("Odoo is stopped", stopped("odoo"), "OdooDown", PAGED, "service_name=odoo", AFTERWARDS),
)  # fmt: skip
