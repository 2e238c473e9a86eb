"""The whole system, brought up in order, stopped, and removed."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial

import requests

from stack import private
from stack.console import StackError, step
from stack.layout import Layout
from stack.provide import odoo_source
from stack.services import backup, exporters, gpu, n8n, odoo, postgres, prometheus, proxy, victoria
from stack.services.processes import Processes, Program

# The simulators: the name of the module, and that of its port.
SIMULATORS = {"ai_service": "ai", "kyc_provider": "kyc", "alert_receiver": "receiver"}
STUB = {"n8n_stub": "n8n"}
LOCK = "lock"
# Which programs may listen on the port of each name.
OWNERS = {
    "odoo": {"odoo"},
    "gevent": {"odoo"},
    "web": {"proxy"},
    "pg": {"postgres"},
    "n8n": {"n8n", "n8n_stub"},
    "prometheus": {"prometheus"},
    "alertmanager": {"alertmanager"},
    **{tier.name: {tier.name} for tier in victoria.TIERS},
    **{port: {program} for program, port in exporters.PORTS.items()},
    "gpu": {"gpu_exporter"},
    "backup": {"backup"},
    **{port: {module} for module, port in SIMULATORS.items()},
    "smtp": {"alert_receiver"},
}


@dataclass(frozen=True)
class N8nMode:
    """What stands between Odoo and the AI service: n8n with that many workers (0: it is one process), or its stub."""

    stub: bool = False
    workers: int = 0

    @classmethod
    def from_environment(cls) -> "N8nMode":
        """Return n8n itself, or its stub if $N8N asks for it."""
        asked = os.environ.get("N8N") or "real"
        if asked not in ("real", "stub"):
            raise StackError(f"N8N must be real (the default) or stub, not {asked}.")
        return cls(stub=asked == "stub")


@dataclass(frozen=True)
class System:
    """A running system."""

    layout: Layout
    source: odoo_source.Source
    processes: Processes
    n8n_mode: N8nMode

    def url(self, name: str, path: str = "") -> str:
        """Return the URL of a server by the name of its port, with its credentials."""
        return self.layout.url(name, path)


def up(layout: Layout, mode: N8nMode | None = None) -> System:
    """Bring everything up, or whatever of it is not up already, and return it."""
    mode = mode or N8nMode.from_environment()
    with _locked(layout):
        source, processes = _prepare(layout, mode)
        system = System(layout, source, processes, mode)
        _start(system)
        return system


def prepare(layout: Layout) -> odoo_source.Source:
    """Start PostgreSQL alone, with Odoo's database installed as by `up`; return the Odoo that it is for."""
    with _locked(layout):
        return _prepare(layout, N8nMode(stub=True))[0]


def programs(layout: Layout, source: odoo_source.Source, mode: N8nMode) -> list[Program]:
    """Return all that a system runs, in the reverse of the order in which `down` stops it."""
    return [
        postgres.program(layout),
        *(_simulator(layout, module, port) for module, port in SIMULATORS.items()),
        odoo.program(layout, source),
        proxy.program(layout),
        *victoria.programs(layout),
        gpu.program(layout),
        *prometheus.programs(layout),
        *exporters.programs(layout),
        backup.program(layout),
        # last: adding or removing a program changes the priority of those after it, and changed programs are stopped
        *([_simulator(layout, *stub) for stub in STUB.items()] if mode.stub else n8n.programs(layout, mode.workers)),
    ]  # fmt: skip


def down(layout: Layout) -> None:
    """Stop every process of the layout."""
    Processes(layout).stop_all()


def clean(layout: Layout) -> None:
    """Stop every process and delete the state; what was downloaded stays in the cache."""
    if layout.state.exists():
        _check_is_ours(layout)
        down(layout)
    postgres.remove(layout)
    shutil.rmtree(layout.state, ignore_errors=True)


def answers(url: str) -> bool:
    """Say whether a server answers at `url` with a status that is not an error."""
    try:
        return requests.get(url, timeout=10).ok
    except requests.RequestException:
        return False


def _prepare(layout: Layout, mode: N8nMode) -> tuple[odoo_source.Source, Processes]:
    processes = Processes(layout)
    _stop_if_elsewhere(layout, processes)
    ours = processes.running()
    layout.ports.check(name for name, owners in OWNERS.items() if not owners & ours)
    source = odoo_source.choose()
    print(f"  Odoo {source.series}: {source.why}")
    print(f"  GPU: {gpu.why()}")
    configuration = odoo.configure(layout, source)
    prometheus.configure(layout)
    backups = backup.configure(layout, with_n8n=not mode.stub)
    if "postgres" not in ours:
        postgres.create(layout)
    processes.configure(programs(layout, source, mode))
    with step("PostgreSQL"):
        processes.start("postgres")
        processes.wait("postgres", lambda: postgres.answers(layout))
    postgres.create_roles(layout)
    for name, file in (("odoo", configuration), ("backup", backups)):
        if name in processes.running() and processes.began(name) < file.stat().st_mtime:
            processes.stop(name)
    if not odoo.is_current(layout, source):
        processes.stop("odoo")
        odoo.install(layout, source, configuration)
    return source, processes


def _start(system: System) -> None:
    processes, layout, mode = system.processes, system.layout, system.n8n_mode
    simulators = {**SIMULATORS, **STUB} if mode.stub else SIMULATORS
    urls = {
        "odoo": system.url("odoo", "/web/login"),
        # its answer is that of the gevent worker behind it
        "proxy": system.url("web", "/websocket/health"),
        **{module: system.url(port, "/health") for module, port in simulators.items()},
        **{tier.name: system.url(tier.name, "/health") for tier in victoria.TIERS},
        "gpu_exporter": system.url("gpu", "/metrics"),
        **{name: system.url(name, "/-/ready") for name in ("prometheus", "alertmanager")},
        **{program: system.url(port) for program, port in exporters.PORTS.items()},
    }
    ready: dict[str, Callable[[], bool]] = {name: partial(answers, url) for name, url in urls.items()}
    if mode.stub:
        print("  N8N=stub: a lightweight stub replaces n8n, and n8n's own metrics are missing")
    else:
        n8n.deploy(layout, processes)
        ready |= dict.fromkeys(
            (program.name for program in n8n.programs(layout, mode.workers)), partial(n8n.answers, layout)
        )
    parts = [
        "Odoo with 4 workers, its websocket worker, and nginx in front of them",
        *([] if mode.stub else ["n8n"]),
        "Prometheus",
        "Alertmanager",
        "VictoriaMetrics",
        "exporters",
        "simulators",
    ]
    with step(", ".join(parts)):
        for name in ("prometheus", "alertmanager", "blackbox_exporter"):
            processes.reload(name)
        for name in ready:
            processes.start(name)
        for name, answer in ready.items():
            processes.wait(name, answer)
    with step("exporter of backups, which makes the first ones after the first scrape"):
        # last, because backups include what runs now; a check of /metrics would count as a scrape
        processes.start("backup")
        processes.wait("backup", lambda: answers(system.url("backup", "/favicon.ico")))


def _stop_if_elsewhere(layout: Layout, processes: Processes) -> None:
    """Stop what runs on other ports than those that are asked for now, or outlived its supervisor."""
    record = layout.state / "ports.json"
    wanted = json.dumps(asdict(layout.ports))
    if not processes.running() or not record.exists() or record.read_text() != wanted:
        processes.stop_all()
    private.write(record, wanted)


def _check_is_ours(layout: Layout) -> None:
    """Refuse a folder that holds something else: `clean` deletes it whole."""
    if any(layout.state.iterdir()) and not (layout.state / LOCK).exists():
        raise StackError(f"{layout.state} contains other files: set INFLUENCEGEN_STATE to a new or empty folder.")


def _simulator(layout: Layout, module: str, port: str) -> Program:
    return Program(
        name=module,
        command=[
            sys.executable, "-m", f"stack.simulators.{module}",
            "--port", str(getattr(layout.ports, port)), "--state-dir", layout.state / module,
        ],
        environment={
            "INFLUENCEGEN_WEBHOOK_SECRET": layout.secret("webhook"),
            "AI_SERVICE_URL": f"http://127.0.0.1:{layout.ports.ai}",
            "AI_SERVICE_TOKEN": layout.secret("ai-service"),
            "CONTROL_TOKEN": layout.secret("control"),
            "SMTP_LISTEN": f"127.0.0.1:{layout.ports.smtp}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            **gpu.environment(layout),
        },
    )  # fmt: skip


@contextmanager
def _locked(layout: Layout) -> Iterator[None]:
    """Let one process at a time bring a layout up; the lock is released at the latest when its process ends."""
    if layout.state.exists():
        _check_is_ours(layout)
    private.folder(layout.state)
    with open(layout.state / LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError(f"Another start of the system in {layout.state} is in progress: wait for it.") from error
        yield
