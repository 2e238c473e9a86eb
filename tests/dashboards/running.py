"""A running system with business, for tests of the dashboards: what it answers, and what may be missing in it.

Panels over months have a point for each day that is over, so a sample history is put into the real storages: this
proves that panels find data, not that the values are right.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import requests

from grafana_dashboards.preview import sample_history
from stack.scenarios import demo
from stack.scenarios.browser_session import BrowserSession
from stack.scenarios.traffic import Traffic, administrator
from stack.system import answers
from stack.verify import coverage, reconcile
from tests.end_to_end.switching import scrape_fast
from tests.waiting import until

from .reading import ASKED, interpolated

TIMEOUT_SECONDS = 600
SHOWN_SECONDS = 600
SETTLED_SECONDS = 15
LONG = (90 * 86400, 86400)
STEPS = {"10s": 10, "15s": 15, "30s": 30, "60s": 60}
# Queries, by dashboard, title and letter, that find nothing on a healthy system that is minutes old, and why.
_NOTHING_FAILS = "nothing of the kind has failed"
_NO_QUEUE = "queue_job is not installed"
MAY_BE_EMPTY = {
    "odoo-system-health: Errors per minute by class A": _NOTHING_FAILS,
    "odoo-system-health: Errors per minute by class B": _NOTHING_FAILS,
    "odoo-system-health: Errors per minute by class C": _NOTHING_FAILS,
    "odoo-system-health: Versions in use B": "each module has one version",
    "odoo-jobs: Oldest pending job A": _NO_QUEUE,
    "odoo-jobs: Failed jobs A": _NO_QUEUE,
    "odoo-jobs: Databases without a jobrunner A": _NO_QUEUE,
    "odoo-jobs: Oldest pending job by channel A": _NO_QUEUE,
    "odoo-jobs: Scheduled action runs per minute B": _NOTHING_FAILS,
    "odoo-jobs: Queue jobs by state A": _NO_QUEUE,
    "odoo-jobs: Completed queue jobs per minute": _NO_QUEUE,
    "odoo-jobs: Slowest job functions (mean) A": _NO_QUEUE,
    "odoo-models: Failed calls per minute by model": _NOTHING_FAILS,
    "n8n-ai-integration-performance: Executions C": "n8n is one process, without workers",
    "n8n-ai-integration-performance: Failed calls per minute by reason A": _NOTHING_FAILS,
    "n8n-ai-integration-performance: Failed calls per minute by reason C": _NOTHING_FAILS,
    "n8n-ai-integration-performance: Failed executions per minute ($workflow) A": _NOTHING_FAILS,
    "ai-image-generation-service-kpis: Images by outcome B": "all images were made, some at the second try",
    "ai-image-generation-service-kpis: Images by outcome C": "no image was left without a response",
    "onboarding-funnel: Manual review time (24 h)": "no reviewer has decided anything yet",
    "onboarding-funnel: KYC decisions per hour": "not every kind of decision was made yet",
    "telemetry: Ledger backlog B": "the database was not restored",
    "telemetry: Telemetry errors by reason": _NOTHING_FAILS,
}


class Running:
    """The running system, and what it answers; at `rested`, in seconds since 1970, every panel had its data."""

    def __init__(self, stack):
        self.stack = stack
        self.admin = administrator(stack)
        self.rested = None

    def ask(self, asked, end=None):
        """The series of a query as its panel asks for it, and the seconds that the answer took."""
        server = "victoria_1h" if asked.of_long_term else "prometheus"
        expr = interpolated(asked.target["expr"], range="1h", interval="1d" if asked.of_long_term else "1m")
        end = end or time.time()
        begun = time.monotonic()
        if asked.target.get("instant"):
            answer = self._get(server, "query", query=expr, time=end)
        else:
            # the points of a panel are whole steps apart from 1970
            shown, step = LONG if asked.of_long_term else (SHOWN_SECONDS, STEPS[asked.target["interval"]])
            start = (end - shown) // step * step
            answer = self._get(server, "query_range", query=expr, start=start, end=end, step=step)
        return answer["result"], time.monotonic() - begun

    def _get(self, server, path, **parameters):
        answer = requests.get(self.stack.url(server, f"/api/v1/{path}"), parameters, timeout=60)
        assert answer.ok, f"{parameters['query']}\n{answer.text}"
        return answer.json()["data"]

    def labels(self, series, label):
        """The values of a label of a series."""
        answer = requests.get(
            self.stack.url("prometheus", f"/api/v1/label/{label}/values"), {"match[]": series}, timeout=60
        )
        return answer.json()["data"]

    def value(self, uid, title):
        """What a value or the first line of a panel shows."""
        [asked] = [
            asked
            for asked in ASKED
            if asked.dashboard["uid"] == uid and asked.panel["title"] == title and asked.target["refId"] == "A"
        ]
        [series] = self.ask(asked)[0]
        return float(series["value"][1] if "value" in series else series["values"][-1][1])

    def count(self, model, *domain):
        return self.admin.call(model, "search_count", list(domain))


def may_be_empty(asked):
    return any(asked.name.startswith(name) for name in MAY_BE_EMPTY)


def values(series):
    return [float(value) for _, value in series.get("values", [series.get("value")])]


def do_business(running):
    """Let business go on until every panel that must have data has some, and then rest."""
    stack = running.stack
    # a rate needs two scrapes, and some are a minute apart
    scrape_fast(stack)
    known = 'namedprocess_namegroup_num_procs{service_name="aiservice"}'
    until(lambda: reconcile.query(stack, known), "Prometheus knows the AI service that is started again", 90)
    stack.processes.stop("ai_service")
    stack.processes.start("ai_service")
    sample_history.write(stack.layout)
    needed = [asked for asked in ASKED if not may_be_empty(asked)]

    def all_shown():
        # a busy machine leaves gaps, some of them backdated to the start of a scrape: choose a moment without one
        running.rested = int(time.time()) - SETTLED_SECONDS
        return not coverage.missing(stack) and all(running.ask(asked, running.rested)[0] for asked in needed)

    traffic = Traffic(stack)
    stack.processes.wait("ai_service", lambda: answers(stack.url("ai", "/health")))
    demo.control(stack, "kyc", demo.OUTCOMES)
    demo.misbehave(stack)
    traffic.start()
    deadline, rested = time.monotonic() + TIMEOUT_SECONDS, Event()

    def browse():
        while not rested.is_set():
            BrowserSession(stack).visit()

    with ThreadPoolExecutor() as beside:
        browsed = beside.submit(browse)
        try:
            while not all_shown() and time.monotonic() < deadline and not browsed.done():
                time.sleep(2)
        finally:
            rested.set()
            traffic.stop()
            demo.behave(stack)
        browsed.result()
    demo.wait_for_quiet(stack, running.admin)
