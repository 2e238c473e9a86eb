import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

REQUESTS = "odoo_http_requests_total"
LABELS = ("/web/login", "GET", "2xx", "public")


@pytest.fixture
def scrape(store):
    """A function that returns the samples of a scrape of all databases, as {series name: [labels]}."""
    from metrics import exposition

    def samples(**settings):
        families = exposition.Families({**store.databases(), **settings})
        body, _headers = exposition.encode(families, "application/openmetrics-text; version=1.0.0", "")
        found = {}
        for family in parse(body.decode()):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.labels)
        return found

    return samples


def test_what_belongs_to_no_database_is_told_apart(store, scrape):
    for database in ("db", None):
        store.inc(REQUESTS, LABELS, database=database)
    first, second = sorted(scrape()[REQUESTS], key=len)
    assert "database" not in first
    assert second == {**first, "database": "none"}


def test_each_of_several_databases_has_its_series(store, scrape):
    from metrics.settings import Settings

    store.publish("other_db", Settings())
    for database in ("db", "other_db", None):
        store.inc(REQUESTS, LABELS, database=database)
    assert sorted(labels["database"] for labels in scrape()[REQUESTS]) == ["db", "none", "other_db"]


def test_the_instance_has_no_database(store, scrape):
    store.set("odoo_workers_configured", 4, ("http",))
    assert scrape()["odoo_workers_configured"] == [{"kind": "http"}]


def test_a_group_that_no_database_wants_is_not_shown(store, scrape):
    from metrics.settings import Settings

    store.publish("db", Settings(groups=["business"]))
    store.set("odoo_workers_configured", 4, ("http",))
    store.inc("influencer_registration_attempts_total", database="db")
    shown = scrape()
    assert "odoo_workers_configured" not in shown
    assert "influencer_registration_attempts_total" in shown
