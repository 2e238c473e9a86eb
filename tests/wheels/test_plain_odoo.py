"""A plain Odoo, without the platform: what README says of any Odoo is done as it stands there."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.system


def test_the_wheel_is_all_that_is_installed(plain, answer):
    installed = set(plain.run("pip list --format freeze").splitlines())
    addons = {line.split("==")[0] for line in installed if line.startswith("odoo")}
    assert addons == {"odoo", "odoo-addon-odoo_telemetry"}
    assert plain.run("pip check").strip() == "No broken requirements found."


def test_a_scrape_shows_what_odoo_did(answer):
    families = {family.name: family for family in text_string_to_metric_families(answer)}
    requests = families["odoo_http_requests"].samples
    assert sum(sample.value for sample in requests if sample.labels.get("route") == "/web/login") >= 1
    assert {sample.labels["database"] for sample in requests} == {"example"}
    workers = {sample.labels["kind"]: sample.value for sample in families["odoo_workers_configured"].samples}
    assert workers["http"] == 2


def test_nothing_of_the_platform_is_exported(answer):
    names = [family.name for family in text_string_to_metric_families(answer)]
    assert names
    assert [name for name in names if not name.startswith("odoo_")] == []


def test_nothing_failed(plain, answer):
    log = (plain.folder / "odoo.log").read_text()
    assert [line for line in log.splitlines() if " ERROR " in line or " CRITICAL " in line] == []
