"""The demo: traffic on the running system, with failures, then metrics and records side by side."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import requests

from influencegen_telemetry.business import SPECIFICATION
from stack.console import StackError, step
from stack.layout import ACCOUNT, PASSWORDS
from stack.polling import wait_until
from stack.scenarios.browser_session import BrowserSession, browser_starts
from stack.scenarios.traffic import Traffic, administrator
from stack.services import n8n
from stack.services.odoo_client import OdooClient
from stack.system import System
from stack.verify import coverage, reconcile
from stack.verify.image_stages import Stages
from stack.verify.reconcile import Line

ATTEMPTS = "influencer_registration_attempts_total"
JOBS = ("influencegen-fast", "influencegen-system", "influencegen-business")
N8N_JOB = "influencegen-n8n"

# The settings of a simulator, as its /control returns them.
Behaviour = dict[str, Any]

# Failure rates of the external services during part of the traffic; the outcomes of payments stay until the end.
FAILURES: dict[str, Behaviour] = {
    "ai": {"fail_rate": 0.2, "garbage_rate": 0.1, "timeout_rate": 0.05},
    "kyc": {"fail_rate": 0.2, "payments": {"paid": 0.6, "failed": 0.4}},
}
# What the KYC service decides: enough is referred for reviewers to have work.
OUTCOMES: Behaviour = {"outcomes": {"approved": 0.6, "rejected": 0.1, "referred": 0.3}}
# What has to happen before the metrics can show it.
EVERYTHING = {"registration", "document", "review", "application", "content", "payment", "image", "rollback",
              "unhandled error"}  # fmt: skip
TIMEOUT_SECONDS = 600
# Short for a demo: the default is a quarter of an hour.
SETTINGS = {"influencegen.image_timeout_seconds": "60"}
# Short too, but longer than a response takes on a busy machine: if one arrives just as n8n gives up, the AI service
# counts a response and n8n a timeout, and the comparison fails.
AI_TIMEOUT_SECONDS = 10
# States that a record will still leave by itself.
UNFINISHED = {
    "influencegen.image": ("requested", "processing"),
    "influencegen.kyc": ("submitted",),
    "influencegen.payment": ("processing",),
}


def run(system: System) -> bool:
    """Generate traffic for $DEMO_SECONDS, and print the comparison.

    Return whether all values agree, and Prometheus has samples of all metrics, except those of absent producers.
    """
    text = os.environ.get("DEMO_SECONDS") or "90"
    if not text.isdigit():
        raise StackError(f"DEMO_SECONDS must be a number of seconds, not {text}.")
    admin = administrator(system)
    for name, value in SETTINGS.items():
        admin.call("ir.config_parameter", "set_param", name, value)
    if system.n8n_mode.stub:
        control(system, "n8n", {"ai_timeout": AI_TIMEOUT_SECONDS})
    else:
        n8n.limit(system.layout, ai_timeout_seconds=AI_TIMEOUT_SECONDS, lease_margin_seconds=10)
    control(system, "kyc", OUTCOMES)
    # records that an earlier demo left unfinished would be counted in this one
    behave(system)
    wait_for_quiet(system, admin)
    before = reconcile.exposed(system, [ATTEMPTS]).get((ATTEMPTS, frozenset()), 0.0)
    stages = None if system.n8n_mode.stub else Stages(system, admin)
    session = BrowserSession(system) if browser_starts() else None
    traffic = drive(system, int(text), session)
    with ThreadPoolExecutor() as beside:
        visited = beside.submit(session.visit) if session else None
        wait_for_quiet(system, admin)
        if visited:
            with step("opening pages, actions and views in a browser once more"):
                visited.result()
    attempts = {ATTEMPTS: before + traffic.attempts}
    more = [source for source in (stages, session) if source]
    compared = settled(
        system,
        lambda: [*reconcile.compare(system, admin, attempts), *(line for source in more for line in source.lines())],
    )
    print(f"\n{reconcile.table(compared)}\n")
    if not stages:
        print("  n8n's counters are missing: N8N=stub\n")
    complete = covered(system, {producer for producer, there in (("n8n", stages), ("browser", session)) if not there})
    with step("sending a test alert through Alertmanager"):
        send_alert(system)
    print(addresses(system))
    return complete and all(line.agrees for line in compared)


def drive(system: System, seconds: int, session: BrowserSession | None) -> Traffic:
    """Generate traffic for some seconds, or longer if the machine is slow, until everything has happened once.

    The browser session begins at once: Prometheus computes no rate until it has seen a counter twice. External
    services fail for a third of the time, one worker is killed and one is recycled.
    """
    traffic = Traffic(system)
    with step(f"generating {seconds} s of traffic, with failures, rollbacks, a killed and a recycled worker"):
        begun = time.monotonic()
        traffic.start()
        try:
            for moment, happening in (
                (0, session.visit if session else lambda: None),
                (1 / 3, lambda: misbehave(system)),
                (0.45, lambda: kill_worker(system, traffic)),
                (0.55, lambda: recycle_worker(system)),
                (2 / 3, lambda: behave(system)),
            ):
                time.sleep(max(0.0, begun + moment * seconds - time.monotonic()))
                happening()
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
            if not wait_until(lambda: traffic.done.keys() >= EVERYTHING, TIMEOUT_SECONDS):
                missing = ", ".join(sorted(EVERYTHING - traffic.done.keys()))
                raise StackError(f"After {TIMEOUT_SECONDS} s, the traffic has not yet included: {missing}.")
        finally:
            traffic.stop()
    print("  " + ", ".join(f"{count} × {what}" for what, count in traffic.done.most_common()))
    return traffic


def control(system: System, service: str, behaviour: Behaviour) -> Behaviour:
    """Tell a simulator how to behave from now on, and return how it did before."""
    url = system.url(service, "/control")
    before = requests.get(url, timeout=10).json()
    headers = {"Authorization": f"Bearer {system.layout.secret('control')}"}
    requests.put(url, json=behaviour, headers=headers, timeout=10).raise_for_status()
    return {key: before[key] for key in behaviour}


def misbehave(system: System) -> None:
    """Let the external services fail now and then."""
    for service, behaviour in FAILURES.items():
        control(system, service, behaviour)


def behave(system: System) -> None:
    """Let the external services work."""
    for service, behaviour in FAILURES.items():
        control(system, service, {key: 0.0 for key in behaviour if key.endswith("_rate")})


def workers(system: System) -> list[psutil.Process]:
    """Return the processes that answer HTTP requests."""
    master = psutil.Process(system.processes.pid("odoo"))
    found = []
    for child in master.children():
        # one that ended meanwhile can't be asked
        with contextlib.suppress(psutil.NoSuchProcess):
            # Odoo lowers the priority of its cron workers, and its websocket worker has gevent in its command line
            if child.nice() == master.nice() and "gevent" not in child.cmdline():
                found.append(child)
    return found


def kill_worker(system: System, traffic: Traffic) -> None:
    """Kill a worker, as the kernel does when memory runs out."""
    with traffic.paused():
        workers(system)[0].kill()


def recycle_worker(system: System) -> None:
    """Let a worker end after its present request, as Odoo does at its limits."""
    workers(system)[-1].send_signal(signal.SIGINT)


def wait_for_quiet(system: System, admin: OdooClient, seconds: float = 300) -> None:
    """Wait until nothing is unfinished: no image, verification or payment without an outcome."""

    def quiet() -> bool:
        return (system.n8n_mode.stub or n8n.idle(system.layout)) and not any(
            admin.call(model, "search_count", [("state", "in", states)]) for model, states in UNFINISHED.items()
        )

    with step("waiting for images, KYC checks and payments to finish"):
        wait(quiet, seconds, "Some images, KYC checks or payments have not finished")


def settled(system: System, compare: Callable[[], list[Line]], seconds: float = 180) -> list[Line]:
    """Return what `compare` gives once Prometheus has scraped what is true now, or after some seconds."""
    with step("waiting for Prometheus to scrape"):
        since = time.time()
        wait(lambda: _scraped_since(system, since), seconds, "Prometheus has not scraped Odoo")
        compared: list[Line] = []

        def agreed() -> bool:
            compared[:] = compare()
            return all(line.agrees for line in compared)

        wait_until(agreed, seconds, pause=2)
        return compared


def covered(system: System, absent: Set[str], seconds: float = 180) -> bool:
    """Return whether Prometheus has samples of all metrics of the specification, except those of absent producers.

    Wait up to `seconds` for them, and print how many there are.
    """
    with step("metrics of the specification"):
        wait_until(lambda: not set(coverage.missing(system).values()) - absent, seconds, pause=2)
    missing = coverage.missing(system)
    count = len(SPECIFICATION)
    without = f"; missing: {', '.join(missing)}" if missing else ""
    print(f"  Prometheus has samples of {count - len(missing)} of {count} metrics{without}")
    return not set(missing.values()) - absent


def send_alert(system: System) -> None:
    """Raise an alert, and wait until it arrived at the receiver."""
    name = f"DemoAlert{int(time.time())}"
    alert = {"labels": {"alertname": name, "severity": "info"}, "annotations": {"summary": "Test alert of the demo"}}
    requests.post(system.url("alertmanager", "/api/v2/alerts"), json=[alert], timeout=10).raise_for_status()

    def arrived() -> bool:
        received = requests.get(system.url("receiver", "/alerts"), timeout=10).json()
        return any(alert["labels"]["alertname"] == name for alert in received)

    wait(arrived, 60, "The alert did not arrive")


def addresses(system: System) -> str:
    """Return where to look next, and with which password."""
    rate = "influencegen:influencer_registration_success_rate:percent_1h"
    layout = system.layout

    def page(name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{getattr(layout.ports, name)}{path}"

    editor = (
        ""
        if system.n8n_mode.stub
        else f"""\
  {page("n8n")}   n8n's editor: log in as {n8n.OWNER_EMAIL} with
                                          the password in {layout.secret_file("n8n-owner")}
"""
    )
    return f"""
Open                                    for
  {page("web", "/odoo")}   the platform: log in as admin, password {layout.secret("admin")}
  {page("web", "/influencegen/register")}   the public registration form
  {page("prometheus", f"/api/v1/query?query={rate}")}
                                          a recording rule of the specification
  {page("prometheus", "/targets")}   scrape targets: services, hosts, PostgreSQL, probes
  {page("prometheus", "/api/v1/alerts")}   pending and firing alerts
                                          Prometheus' user is {ACCOUNT}, with the password in
                                          {layout.secret_file(PASSWORDS["prometheus"])}
  {page("alertmanager", "/#/alerts")}   firing and silenced alerts: user {ACCOUNT}, with the password in
                                          {layout.secret_file(PASSWORDS["alertmanager"])}
  {page("receiver", "/alerts")}   delivered notifications
{editor}  curl -H "Authorization: Bearer $(cat {layout.secret_file("scrape-token")})" {page("odoo", "/metrics")}
Logs are in {layout.logs}. `make stop` stops everything, `make clean` also deletes the data.
"""


def _scraped_since(system: System, moment: float) -> bool:
    """Say whether every job of ours has begun a successful scrape after a moment (seconds since 1970)."""
    jobs = JOBS if system.n8n_mode.stub else (*JOBS, N8N_JOB)
    expression = f'timestamp(up{{job=~"{"|".join(jobs)}"}} == 1)'
    scraped = {sample["metric"]["job"]: float(sample["value"][1]) for sample in reconcile.query(system, expression)}
    return all(scraped.get(job, 0) > moment for job in jobs)


def wait(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait until the condition is true; raise StackError with the text `otherwise` after `seconds`."""
    if not wait_until(condition, seconds):
        raise StackError(f"{otherwise} after {seconds:.0f} s.")
