"""The platform under pressure: business, scrapes, recycled workers and killed ones, all at the same time."""

import json
import os
import re
import select
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from stack.services import n8n, odoo_client
from stack.verify import reconcile
from tests.waiting import until

from .client import Refused
from .load import Load, behave
from .workers import Workers

FULL = os.environ.get("IG_FULL") == "1"
RECYCLINGS, KILLS, SCRAPES = (200, 40, 10_000) if FULL else (20, 5, 300)
SCRAPERS = 2
ATTEMPTS = "influencer_registration_attempts_total"
SUCCESS = "influencer_registration_success_total"
SCRAPE_LINE = re.compile(r"^\S+ \S+ (\d+) .*GET /metrics", re.MULTILINE)


@dataclass
class Stage:
    """What there was after one stage: clients' tallies, and each fact's rows, counter, and value in Prometheus."""

    load: Load
    strikes: int
    lines: list
    attempts_before: float
    attempts: float
    rows_before: float
    rows: float


@dataclass
class Pressure:
    """What both stages gave, and what each of the scrapers saw during them."""

    calm: Stage = None
    killed: Stage = None
    scrapers: list = field(default_factory=list)
    answering: set = field(default_factory=set)


def press(system, back_office):
    """Put the platform under pressure: first recycle workers, then kill them; return the :class:`Pressure`."""
    behave(
        system,
        "kyc",
        outcomes={"approved": 0.5, "rejected": 0.2, "referred": 0.3},
        payments={"paid": 0.7, "failed": 0.3},
    )
    # of two tries one usually succeeds: with more, failed images are rare; if all failed, the circuit would stay open
    n8n.limit(system.layout, ai_tries=2)
    behave(system, "ai", fail_rate=0.4, timeout_rate=0.1)
    workers, pressure = Workers(system), Pressure()
    log = system.layout.logs / "odoo.log"
    begin = log.stat().st_size
    with scraping(system, pressure) as enough:
        pressure.calm = stage(system, back_office, workers.recycle, RECYCLINGS, 3, enough)
        pressure.killed = stage(system, back_office, workers.kill, KILLS, 15)
    with open(log, errors="replace") as lines:
        lines.seek(begin)
        pressure.answering = set(SCRAPE_LINE.findall(lines.read()))
    return pressure


def stage(system, back_office, strike, times, pause, enough=lambda: True):
    """Have the clients be busy while ``strike()`` is called; return the :class:`Stage` afterwards.

    :param times: how often it is called, at least
    :param pause: how much work is done between two calls, at least
    :param enough: function that says whether that was enough
    """
    attempts_before, rows_before = value(system, ATTEMPTS), registered(back_office)
    with Load(back_office) as load:
        strikes = 0
        while strikes < times or not enough():
            strike()
            strikes += 1
            load.go_on(pause)
        until(lambda: happened(system), "every fact happened", 300)
    settle(back_office)
    attempts = value(system, ATTEMPTS)
    return Stage(
        load=load, strikes=strikes, lines=agreed(system, attempts), attempts_before=attempts_before, attempts=attempts,
        rows_before=rows_before, rows=registered(back_office),
    )  # fmt: skip


@contextmanager
def scraping(system, pressure):
    """Scrape with several programs during the block; yield a function that says whether there were enough scrapes."""
    arguments = [system.url("odoo", "/metrics"), f"--scrapes={SCRAPES // SCRAPERS}", "--connections=4"]
    with ExitStack() as started:
        scrapers = [started.enter_context(scraper(system, arguments)) for _ in range(SCRAPERS)]
        outputs = [one.stdout for one in scrapers]
        yield lambda: len(select.select(outputs, [], [], 0)[0]) == SCRAPERS
        for one in scrapers:
            one.stdout.readline()
            pressure.scrapers.append(json.loads(one.communicate(timeout=120)[0]))


@contextmanager
def scraper(system, arguments):
    """Run ``scraper.py`` with these arguments during the block; yield its process."""
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("scraper.py"), *arguments],
        env={**os.environ, "SCRAPE_TOKEN": system.layout.secret("scrape-token")},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def settle(back_office):
    """Wait until nothing moves by itself any more; images that were never answered are timed out."""
    admin = back_office.admin
    waiting = [("state", "=", "submitted")]
    until(lambda: not admin.call("influencegen.kyc", "search_count", waiting), "no KYC waits for its automated steps")
    back_office.parameter("influencegen.image_timeout_seconds", 1)
    open_images = [("state", "in", ["requested", "processing"])]
    [cron] = admin.call("ir.model.data", "search_read", [("name", "=", "cron_time_out_images")], ["res_id"])

    def none_open():
        # refused while Odoo runs the job itself
        with suppress(Refused):
            admin.call("ir.cron", "method_direct_trigger", [cron["res_id"]])
        return not admin.call("influencegen.image", "search_count", open_images)

    until(none_open, "no image is open")
    back_office.parameter("influencegen.image_timeout_seconds", 900)


def agreed(system, attempts):
    """Return all facts once rows, counters and Prometheus agree on each, or when they have had their time to."""
    admin = odoo_client.OdooClient(system.url("odoo"), "admin", system.layout.secret("admin"))
    lines = []

    def agree():
        lines[:] = reconcile.compare(system, admin, {ATTEMPTS: attempts})
        return all(line.agrees for line in lines)

    with suppress(AssertionError):
        until(agree, "all agree")
    return lines


def happened(system):
    """Return whether every fact that is counted happened at least once."""
    names = {metric.name for metric in reconcile.COUNTERS}
    return names <= {name for (name, _labels), total in reconcile.exposed(system, names).items() if total}


def value(system, name):
    """Return what /metrics says of a counter now, all its series together."""
    return sum(reconcile.exposed(system, [name]).values())


def registered(back_office):
    """Return the number of influencers that registered themselves."""
    return back_office.admin.call("influencegen.influencer", "search_count", [("source", "!=", "backoffice")])
