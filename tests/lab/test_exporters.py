"""Another addon has a route ``/metrics``, too: telemetry notices, and can be scraped all the same."""

import re
from collections import Counter
from contextlib import contextmanager

import pytest

from .lab import NOT_INSTALLED

pytestmark = pytest.mark.system

OWN_ERRORS = "odoo_telemetry_errors_total"


@contextmanager
def installed(lab, exporter):
    """The addon ``exporter`` is installed in the block, in both workers."""
    lab.install(exporter)
    try:
        lab.request_all_workers("/web/login")
        yield
    finally:
        lab.uninstall(exporter)
        lab.request_all_workers("/web/login")


def warnings(lab, exporter):
    """Return the warnings that name ``exporter``, by the process that logged them."""
    lines = re.findall(rf"^\S+ \S+ (\d+) WARNING .* Telemetry, route: .* {exporter}\b.*$", lab.log, re.MULTILINE)
    return Counter(lines)


def details(lab):
    """Return the texts on the tile of telemetry itself."""
    [tile] = [tile for tile in lab.call("telemetry.overview", "read_tiles", "hour") if tile["name"] == "telemetry"]
    return [text for text, _value, unit in tile["details"] if unit == "text"]


def test_one_that_answers_scrapes_instead(lab):
    before = lab.scrape().value(OWN_ERRORS, reason="route")
    with installed(lab, "lab_exporter"):
        assert lab.request("/metrics").text == "another_exporter_up 1\n"
        scraped = lab.scrape("/telemetry/metrics")
        assert scraped.value(OWN_ERRORS, reason="route") > before
        assert scraped.value("odoo_http_requests_total", route="/web/login") > 0
        health = lab.request("/telemetry/health/ready")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["checks"]["metrics"] == "failed"
        assert details(lab) == ["lab_exporter serves /metrics: scrape /telemetry/metrics instead"]
        assert set(warnings(lab, "lab_exporter").values()) == {1}
    assert lab.scrape().value(OWN_ERRORS, reason="route") > before
    assert lab.request("/telemetry/health/ready").json()["status"] == "ok"
    assert details(lab) == []


def test_one_that_is_hidden_by_telemetry(lab):
    exporter = "prometheus_exporter"
    if exporter not in lab.available:
        pytest.skip(f"there is no {exporter} for {lab.series}")
    assert exporter in NOT_INSTALLED
    # a process logs one failure of a kind a minute, and had that of the test above
    lab.restart()
    before = lab.scrape().value(OWN_ERRORS, reason="route")
    with installed(lab, exporter):
        assert lab.scrape().value(OWN_ERRORS, reason="route") > before
        assert lab.request("/telemetry/health/ready").json()["status"] == "ok"
        assert details(lab) == [f"/metrics of {exporter} is unreachable: Telemetry serves the same path"]
        assert set(warnings(lab, exporter).values()) == {1}
