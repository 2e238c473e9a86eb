"""Every query of every panel, asked of the running system while business goes on: it answers, soon, and plausibly.

The long-term tiers have their first sample after an hour, so a sample of each series, with the name and labels that the
rules give it, is put into the real storage, a day and a half back: that panels find it is proven, and not the figures.
"""

import json
import re
import time

import pytest
import requests
import yaml
from metrics import catalogue

from stack import demo, reconcile
from stack.system import answers
from stack.traffic import Traffic, administrator
from tests.end_to_end.switching import scrape_fast
from tests.end_to_end.waiting import until

from .reading import ASKED, DASHBOARDS, ROOT, each_dashboard, each_query, interpolated

LIMIT_SECONDS = 5
PATIENCE_SECONDS = 240
SHOWN_SECONDS = 600
TIER_SERIES = [rule["record"].split(":", 1)[1]
               for group in yaml.safe_load((ROOT / "prometheus" / "rules" / "tiers.yml").read_text())["groups"]
               for rule in group["rules"] if rule["record"].startswith("tier1h:")]
# Queries, by dashboard, title and letter, that find nothing on a healthy system that is minutes old, and why.
_NOTHING_FAILS = "nothing of the kind has failed"
MAY_BE_EMPTY = {
    "odoo-system-health: How long do people wait for a page?": "no browser is at work in this test",
    "odoo-system-health: What goes wrong in Odoo? A": _NOTHING_FAILS,
    "odoo-system-health: What goes wrong in Odoo? B": _NOTHING_FAILS,
    "n8n-ai-integration-performance: Which calls fail? A": _NOTHING_FAILS,
    "n8n-ai-integration-performance: Which calls fail? C": _NOTHING_FAILS,
    "n8n-ai-integration-performance: Which workflow fails? A": _NOTHING_FAILS,
    "ai-image-generation-service-kpis: What becomes of images? B": "all images were made, some at the second try",
    "onboarding-funnel: A review takes": "no reviewer has decided anything yet",
    "onboarding-funnel: How are checks decided?": "not every kind of decision was made yet",
    "telemetry: Facts that disagree": "compared with a day ago",
    "telemetry: Which counters had to be repaired?": "nothing had to be",
    "telemetry: What goes wrong in telemetry?": _NOTHING_FAILS,
    "postgresql: Backups OK": "the first was made before Prometheus looked, and the next is hours away",
}
# Variables that nothing can be chosen for, and why.
MAY_HAVE_NO_CHOICE = {
    "database": "a server with one database does not name it",
    "workflow": "no workflow has failed",
}


class Running:
    """The running system, and what it answers."""

    def __init__(self, stack):
        self.stack = stack
        self.admin = administrator(stack)

    def ask(self, asked, end=None):
        """The series of a query as its panel asks for it, and the seconds that the answer took."""
        server = "victoria_1h" if asked.of_long_term else "prometheus"
        expr = interpolated(asked.target["expr"], range="1h", interval="1d" if asked.of_long_term else "1m")
        end = end or time.time()
        begun = time.monotonic()
        if asked.target.get("instant"):
            answer = self._get(server, "query", query=expr, time=end)
        else:
            shown, step = (90 * 86400, 86400) if asked.of_long_term else (SHOWN_SECONDS, 15)
            answer = self._get(server, "query_range", query=expr, start=end - shown, end=end, step=step)
        return answer["result"], time.monotonic() - begun

    def _get(self, server, path, **parameters):
        answer = requests.get(self.stack.url(server, f"/api/v1/{path}"), parameters, timeout=60)
        assert answer.ok, f"{parameters['query']}\n{answer.text}"
        return answer.json()["data"]

    def labels(self, series, label):
        """The values of a label of a series."""
        answer = requests.get(self.stack.url("prometheus", f"/api/v1/label/{label}/values"), {"match[]": series},
                              timeout=60)
        return answer.json()["data"]

    def figure(self, uid, title):
        """What a figure or the first line of a panel shows."""
        [asked] = [asked for asked in ASKED if asked.dashboard["uid"] == uid and asked.panel["title"] == title
                   and asked.target["refId"] == "A"]
        [series] = self.ask(asked)[0]
        return float(series["value"][1] if "value" in series else series["values"][-1][1])

    def count(self, model, *domain):
        return self.admin.call(model, "search_count", list(domain))


def may_be_empty(asked):
    return any(asked.name.startswith(name) for name in MAY_BE_EMPTY)


def values(series):
    return [float(value) for _, value in series.get("values", [series.get("value")])]


def remembered(series):
    """A sample of a series of a long-term tier, with the labels that the catalogue gives it, as lines of text."""
    name = series.split(":")[0]
    part = re.sub(r"_bucket$", "", name)
    metric = next((catalogue.METRICS[known] for known in (part, f"{part}_total") if known in catalogue.METRICS), None)
    labels = {label.name: (label.values or ["1"])[0] for label in metric.labels} if metric else {}
    sets = [{**labels, "le": str(float(bound))} for bound in metric.buckets] if name.endswith("_bucket") else [labels]
    if name == "influencer_kyc_verifications":
        sets[0]["outcome"] = "approved"
    if name == "user_logins_daily_active_influencers":
        sets[0]["user_role"] = "influencer"
    moment = int(time.time() - 1.5 * 86400) * 1000
    return [f"tier:{series}{{{','.join(f'{label}={json.dumps(value)}' for label, value in one.items())}}} 42 {moment}"
            for one in sets]


@pytest.fixture(scope="module")
def running(stack):
    """A Running with business until every panel has data that must have some; then it is at rest."""
    running = Running(stack)
    # a rate needs two scrapes, and some are a minute apart
    scrape_fast(stack)
    stack.processes.stop("ai_service")
    stack.processes.start("ai_service")
    requests.post(stack.url("victoria_1h", "/api/v1/import/prometheus"), timeout=30,
                  data="\n".join(line for series in TIER_SERIES for line in remembered(series))).raise_for_status()
    pending = [asked for asked in ASKED if not may_be_empty(asked)]

    def all_shown():
        pending[:] = [asked for asked in pending if not running.ask(asked)[0]]
        return not pending

    traffic = Traffic(stack)
    stack.processes.wait("ai_service", lambda: answers(stack.url("ai", "/health")))
    demo.misbehave(stack)
    traffic.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while not all_shown() and time.monotonic() < deadline:
            time.sleep(2)
    finally:
        traffic.stop()
        demo.behave(stack)
    demo.wait_for_quiet(stack, running.admin)
    return running


@each_query
def test_a_query_answers_soon_with_what_its_unit_allows(running, asked):
    found, seconds = running.ask(asked)
    assert seconds < LIMIT_SECONDS
    if not found and not may_be_empty(asked):
        found = until(lambda: running.ask(asked)[0], "there is data again: a scrape may have failed on a busy machine")
    assert len(found) <= 40, "more than anybody tells apart"
    unit = asked.panel["fieldConfig"]["defaults"]["unit"]
    most = {"percent": 100 + 1e-6, "h": 24 * 365, "s": 86400 * 365, "currencyUSD": 100}.get(unit, float("inf"))
    for series in found:
        assert all(0 <= value <= most for value in values(series)), series
        for label in re.findall(r"\{\{(\w+)\}\}", asked.target["legendFormat"]):
            assert label in series["metric"], f"{series['metric']} has no {label} to be called after"


@each_dashboard
def test_what_can_be_chosen_is_there(running, dashboard):
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            assert running.labels(series, label) or variable["name"] in MAY_HAVE_NO_CHOICE


def test_a_restart_is_marked(running):
    [annotation] = [annotation for annotation in DASHBOARDS["odoo_system_health"]["annotations"]["list"]
                    if annotation["name"] == "Deployments and restarts"]
    [others] = reconcile.query(running.stack, 'namedprocess_namegroup_num_procs{service_name="aiservice"}')
    if float(others["value"][1]) > 1:
        pytest.skip("another system on this machine has an AI service, which was not started again")

    def restarted():
        found = reconcile.query(running.stack, interpolated(annotation["expr"], rate_interval="10m"))
        return "aiservice" in {series["metric"]["service_name"] for series in found}

    until(restarted, "the restart of the AI service is seen")


@each_dashboard
def test_annotations_can_be_asked_for(running, dashboard):
    for annotation in dashboard["annotations"]["list"]:
        for series in reconcile.query(running.stack, interpolated(annotation["expr"])):
            for label in re.findall(r"\{\{(\w+)\}\}", annotation["titleFormat"] + annotation["textFormat"]):
                assert label in series["metric"]


# Title of a figure, and the rows that it is of.
GAUGES = {
    ("business-operations-overview", "Active influencers"): ("influencegen.influencer", ("state", "=", "active")),
    ("onboarding-funnel", "Active influencers"): ("influencegen.influencer", ("state", "=", "active")),
    ("onboarding-funnel", "KYC checks waiting"): ("influencegen.kyc", ("state", "in", ("submitted", "review"))),
    ("ai-image-generation-service-kpis", "Images that wait"):
        ("influencegen.image", ("state", "in", ("requested", "processing"))),
}


@pytest.mark.parametrize(("panel", "rows"), GAUGES.items(), ids=[f"{uid}: {title}" for uid, title in GAUGES])
def test_a_figure_of_now_is_what_odoo_s_list_shows(running, panel, rows):
    until(lambda: running.figure(*panel) == running.count(*rows), f"{panel} agrees with {rows}", 120)


COUNTED = {
    ("ai-image-generation-service-kpis", "Images (24 h)"): ("influencegen.image",),
    ("business-operations-overview", "Images (24 h)"): ("influencegen.image",),
    ("business-operations-overview", "Do influencers get their money?"): ("influencegen.payment.attempt",),
}


@pytest.mark.parametrize(("panel", "rows"), COUNTED.items(), ids=[f"{uid}: {title}" for uid, title in COUNTED])
def test_what_was_counted_is_what_odoo_s_list_shows(running, panel, rows):
    """But for what Prometheus adds at the ends of a window, a share of it, and for what was there when it began."""
    until(lambda: abs(running.figure(*panel) - running.count(*rows)) <= 1 + 0.1 * running.count(*rows),
          f"{panel} agrees with {rows}", 120)


def test_applications_by_campaign_are_those_of_odoo_s_list(running):
    [asked] = [asked for asked in ASKED if asked.panel["title"] == "Which campaigns do influencers apply to?"]

    def agrees():
        shown = {series["metric"]["campaign_id"]: values(series)[0] for series in running.ask(asked)[0]}
        return shown and all(
            abs(figure - running.count("influencegen.application", ("campaign_id", "=", int(campaign)))) <= 2
            for campaign, figure in shown.items())

    until(agrees, "what each campaign shows agrees with its applications", 120)


def test_what_share_succeeds_is_that_of_the_rows(running):
    paid, failed = (running.count("influencegen.payment.attempt", ("state", "=", state))
                    for state in ("paid", "failed"))
    expected = 100 * paid / (paid + failed)
    until(lambda: abs(running.figure("business-operations-overview", "Payments OK") - expected) < 10,
          f"payments that succeed: {expected} %", 120)
