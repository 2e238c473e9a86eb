import itertools
import math
import sys
import time

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
from prometheus_client.parser import text_string_to_metric_families as parse_text

from influencegen_telemetry.business.metrics import (
    CAMPAIGN_APPLICATIONS,
    IMAGES_PENDING,
    REGISTRATION_ATTEMPTS,
)
from odoo_telemetry.metrics import collectors
from odoo_telemetry.metrics.catalogue import (
    DATABASE_READ_DURATION,
    HTTP_REQUEST_DURATION,
    HTTP_REQUESTS,
    UI_LARGEST_CONTENTFUL_PAINT,
    WORKERS_CONFIGURED,
)
from odoo_telemetry.metrics.instruments import Sample

REQUESTS = "odoo_http_requests_total"
DURATION = "odoo_http_request_duration_seconds"
APPLICATIONS = "campaign_applications_total"
ATTEMPTS = "influencer_registration_attempts_total"
ACTIVE = "ai_image_generation_pending"
WORKERS = "odoo_workers_configured"
LCP = "odoo_ui_largest_contentful_paint_seconds"
READ_AGE = "odoo_telemetry_database_read_age_seconds"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TEXT = "text/plain; version=0.0.4"

TRICKY = (
    "", "plain", 'a "quoted" word', "back\\slash", "\\n", "two\nlines", 'all\\"\n"', "ümläut €", "{le=\"1\"} 5", "🦊",
)  # fmt: skip
NUMBERS = (
    0.0, 1.0, 0.1, 123456.0, 999999.5, 1e6, 1234567.0, 1234567.25, 1e15, 123456789012345680.0, 1e20, 1.5e300, 5e-324,
    1e-7, -3.5, -1e20, math.inf, -math.inf, math.nan, 2**53, 12345678901234567890, True,
)  # fmt: skip


def request(route, number=1, database="db"):
    """Count requests for a route."""
    HTTP_REQUESTS.inc(number, database=database, route=route, method="GET", status_code_class="2xx", user_role="public")


@pytest.fixture
def body(store):
    """A function that returns a scrape (str) of all databases, or of those given, in a format."""
    from odoo_telemetry.metrics import exposition

    def scrape(accept=OPENMETRICS, databases=None, **filters):
        families = exposition.Families(store.databases.settings() if databases is None else databases, **filters)
        return exposition.encode(families, accept, "")[0].decode()

    return scrape


@pytest.fixture
def values(body):
    """A function that returns the samples of a scrape, as {(series name, {label: value} as a tuple): value}.

    It fails when one series is there twice.
    """

    def scrape(**options):
        found = {}
        # the parser of OpenMetrics leaves out a sample that is there twice
        for family in parse_text(body(TEXT, **options)):
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in found, f"{key} is there twice"
                found[key] = sample.value
        return found

    return scrape


@pytest.fixture
def scrape(values):
    """A function that returns the samples of a scrape of all databases, as {series name: [labels]}."""

    def samples(**options):
        found = {}
        for name, labels in values(**options):
            found.setdefault(name, []).append(dict(labels))
        return found

    return samples


@pytest.fixture
def on_scrape(store):
    """A function that adds a function of (database) that is called in the middle of a scrape."""
    added = []

    def add(function):
        added.append(function)
        collectors.add(function, "system")

    yield add
    for function in added:
        collectors.remove(function)


def publish_custom(store, database, *metrics):
    """Publish custom metrics: (name, kind, labels, series) each."""
    from odoo_telemetry.metrics.custom import CustomMetric, Reading

    store.databases.publish_custom(
        database,
        Reading(
            time.monotonic(),
            {
                name: CustomMetric(
                    name,
                    kind,
                    'Of a "test" with a \\ and\ntwo lines.',
                    labels=labels,
                    series=series,
                    read_at=time.monotonic(),
                )
                for name, kind, labels, series in metrics
            },
        ),
    )


def test_what_belongs_to_no_database_is_distinguished(store, scrape):
    for database in ("db", None):
        request("/web/login", database=database)
    assert sorted(labels["database"] for labels in scrape()[REQUESTS]) == ["db", "none"]


def test_series_keep_their_labels_when_a_second_database_comes_and_goes(store, scrape):
    from odoo_telemetry.metrics.settings import Settings

    request("/web/login", database="db")
    before = scrape()[REQUESTS]
    store.databases.publish("other_db", Settings())
    for database in ("other_db", None):
        request("/web/login", database=database)
    assert sorted(labels["database"] for labels in scrape()[REQUESTS]) == ["db", "none", "other_db"]
    store.databases.withdraw("other_db")
    assert [labels for labels in scrape()[REQUESTS] if labels["database"] == "db"] == before


def test_the_instance_has_no_database(store, scrape):
    WORKERS_CONFIGURED.set(4, kind="http")
    assert scrape()[WORKERS] == [{"kind": "http"}]


def test_a_group_that_no_database_wants_is_not_shown(store, scrape):
    from odoo_telemetry.metrics.settings import Settings

    store.databases.publish("db", Settings(groups=["business"]))
    WORKERS_CONFIGURED.set(4, kind="http")
    REGISTRATION_ATTEMPTS.inc(database="db")
    shown = scrape()
    assert WORKERS not in shown
    assert ATTEMPTS in shown


@pytest.mark.parametrize("change", ["withdrawn", "renamed", "added"])
@pytest.mark.parametrize("moment", [None, "db", "other"])
def test_a_scrape_is_about_the_databases_of_its_beginning(store, values, on_scrape, change, moment):
    """The set of databases changes in the middle of a scrape: no series is there twice, or with other labels."""
    from odoo_telemetry.metrics.settings import Settings

    store.databases.publish("other", Settings())
    for database in ("db", "other", None):
        request("/web/login", database=database)
    for database in ("db", "other"):
        IMAGES_PENDING.set(5, database=database)
        publish_custom(store, database, ("odoo_custom_jobs", "gauge", [], [[[], 1.0]]))
    before = values()

    def interfere(database):
        if database == moment:
            if change != "added":
                store.databases.withdraw("other")
            if change != "withdrawn":
                store.databases.publish("new", Settings())
                request("/web/login", database="new")
                IMAGES_PENDING.set(6, database="new")
        yield WORKERS_CONFIGURED.sample(4, kind="http")

    def series(found):
        # what telemetry exports of itself, and what the interference adds, change
        return {key for key in found if not key[0].startswith(("odoo_telemetry_", WORKERS))}

    on_scrape(interfere)
    assert series(values()) == series(before)
    assert {dict(labels).get("database") for _name, labels in series(values())} == {
        "withdrawn": {None, "none", "db"}, "renamed": {None, "none", "db", "new"},
        "added": {None, "none", "db", "other", "new"},
    }[change] - {None}  # fmt: skip


def test_a_database_may_have_the_name_that_stands_for_none(store, values):
    from odoo_telemetry.metrics.settings import Settings

    store.databases.publish("none", Settings())
    for database in ("none", None):
        request("/web/login", database=database)
    assert sum(name == REQUESTS for name, _labels in values()) == 1


def test_what_is_read_at_a_scrape_takes_the_place_of_what_is_stored(store, values, on_scrape):
    HTTP_REQUESTS.inc(3, database="db", route="/web/login", method="GET", status_code_class="2xx", user_role="public")
    request("/shop", 4)
    labels = {"route": "/web/login", "method": "GET", "status_code_class": "2xx", "user_role": "public"}
    on_scrape(lambda database: [Sample(HTTP_REQUESTS, 9, labels)] if database else [])
    assert sorted(value for (name, _labels), value in values().items() if name == REQUESTS) == [4, 9]


@pytest.fixture
def tricky(store):
    """All kinds of metrics, with labels and values that are hard to write."""
    for text in TRICKY:
        request(text, 3)
        store.exemplars.trace_with(lambda: 0x0AF7651916CD43DD8448EB211C80319C)
        HTTP_REQUEST_DURATION.observe(0.3, database="db", route=text, method="GET", status_code_class="2xx")
        store.exemplars.trace_with(lambda: 0)
        HTTP_REQUEST_DURATION.observe(1e9, database="db", route=text, method="GET", status_code_class="2xx")
    for number in NUMBERS:
        CAMPAIGN_APPLICATIONS.inc(number, database="db", campaign_id=number)
    publish_custom(
        store, "db",
        ("odoo_custom_numbers", "gauge", ["which", "a"], [
            [[str(place), text], number]
            for (place, number), text in zip(enumerate(NUMBERS), itertools.cycle(TRICKY), strict=False)
        ]),
        ("odoo_custom_made_total", "counter", [], [[[], 7]]),
    )  # fmt: skip
    WORKERS_CONFIGURED.set(4, kind="http")
    yield
    store.exemplars.trace_with(None)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        TEXT,
        "text/plain; version=1.0.0; escaping=allow-utf-8",
        OPENMETRICS,
        f"{OPENMETRICS}; escaping=allow-utf-8",
        f"{OPENMETRICS}; escaping=dots",
    ],
)
def test_it_is_written_as_prometheus_client_writes_it(store, tricky, accept):
    from odoo_telemetry.metrics import catalogue, exposition

    # but for the one that holds the time of the scrape itself
    names = [name for name in catalogue.METRICS if name != "odoo_telemetry_scrape_duration_seconds"]
    names += ["odoo_custom_numbers", "odoo_custom_made_total"]
    encoder, content_type = choose_encoder(accept)
    for _ in range(2):
        body, headers = exposition.encode(exposition.Families(store.databases.settings(), names=names), accept, "")
        assert body == encoder(exposition.Families(store.databases.settings(), names=names))
        assert headers == {"Content-Type": content_type}


@pytest.mark.parametrize("accept, parser", [(TEXT, parse_text), (OPENMETRICS, parse)], ids=["text", "OpenMetrics"])
def test_labels_and_values_are_read_as_they_were_written(tricky, body, accept, parser):
    families = {family.name: family for family in parser(body(accept))}

    def samples(name):
        return families[name.removesuffix("_total")].samples

    assert {sample.labels["route"] for sample in samples(REQUESTS)} == set(TRICKY)
    assert {sample.value for sample in samples(REQUESTS)} == {3}
    shown = {int(sample.labels["which"]): sample for sample in samples("odoo_custom_numbers")}
    assert [shown[place].labels["a"] for place in range(len(NUMBERS))] == [
        text for _number, text in zip(NUMBERS, itertools.cycle(TRICKY), strict=False)
    ]
    assert [repr(shown[place].value) for place in range(len(NUMBERS))] == [repr(float(number)) for number in NUMBERS]
    buckets = [sample for sample in samples(DURATION) if sample.labels.get("le") in ("0.25", "0.5", "30.0", "+Inf")]
    assert {(sample.labels["le"], sample.value) for sample in buckets} == {
        ("0.25", 0),
        ("0.5", 1),
        ("30.0", 1),
        ("+Inf", 2),
    }
    assert {sample.value for sample in samples(DURATION) if sample.name.endswith("_count")} == {2}
    exemplars = {sample.labels["le"]: sample.exemplar.value for sample in samples(DURATION) if sample.exemplar}
    assert exemplars == ({"0.5": 0.3} if parser is parse else {})


def test_minus_zero_is_zero(store, body, monkeypatch):
    from odoo_telemetry.metrics import lines

    # as in a new process
    monkeypatch.setattr(lines, "number_text", type(lines.number_text.__self__)().__getitem__)
    for number in (-0.0, 0.0):
        IMAGES_PENDING.set(number, database="db")
        assert f'{ACTIVE}{{database="db"}} 0.0\n' in body()


def test_series_that_appear_between_scrapes_are_shown_and_leave_the_others_as_they_were(store, body):
    def lines():
        return [line.rpartition(" ")[0] for line in body(names=[REQUESTS, DURATION]).splitlines()]

    known = []
    for number in range(5):
        request(f"/{number}", number + 1)
        HTTP_REQUEST_DURATION.observe(0.3, database="db", route=f"/{number}", method="GET", status_code_class="2xx")
        now = lines()
        assert [line for line in now if line in known] == known
        assert len(now) == len(known) + (5 + 16 if not known else 16)
        known = now
    line = f'{REQUESTS}{{database="db",method="GET",route="/3",status_code_class="2xx",user_role="public"}}'
    assert f"\n{line} 4.0\n" in body()


def test_a_histogram_of_which_a_part_was_never_written_counts_it_as_zero(store, values):
    from odoo_telemetry.metrics.values import SlotValues, make_key

    # as left by a process that was killed while it created the cells of a series. The store's first value is that of
    # another series and not 0: a missing part that took it would show
    store.errors.count("directory", "an error of a test")
    half = SlotValues(store.directory.path / "values-5.db")
    for sample, number in (("sum", 0.5), ("0.5", 1.0)):
        view, index = half.cell(make_key(DURATION, "db", ("/half", "GET", "2xx"), sample))
        view[index] = number
    found = {labels: value for (name, labels), value in values().items() if name == f"{DURATION}_bucket"}
    assert {dict(labels)["le"]: value for labels, value in found.items()}["0.25"] == 0
    assert {dict(labels)["le"]: value for labels, value in found.items()}["+Inf"] == 1
    HTTP_REQUEST_DURATION.observe(0.2, database="db", route="/half", method="GET", status_code_class="2xx")
    found = {labels: value for (name, labels), value in values().items() if name == f"{DURATION}_bucket"}
    assert {dict(labels)["le"]: value for labels, value in found.items()}["+Inf"] == 2


@pytest.mark.parametrize("module, function, shown", [
    ("collectors", "collect", {"/1": 1, "/2": 0}),
    ("lines", "header", {"/1": 1}),
], ids=["after the sums were read", "after the values were taken"])  # fmt: skip
def test_a_scrape_is_whole_when_another_thread_finds_new_series(store, body, monkeypatch, module, function, shown):
    def scrape(number):
        request(f"/{number}", 1)
        HTTP_REQUEST_DURATION.observe(0.3, database="db", route=f"/{number}", method="GET", status_code_class="2xx")
        return body(TEXT)

    scrape(1)
    with monkeypatch.context() as patched:
        interrupted = getattr(sys.modules[f"odoo_telemetry.metrics.{module}"], function)

        def interrupt(*arguments):
            patched.undo()
            scrape(2)
            return interrupted(*arguments)

        patched.setattr(f"odoo_telemetry.metrics.{module}.{function}", interrupt)
        answer = body(TEXT)
    found = {
        sample.labels["route"]: sample.value
        for family in parse_text(answer)
        for sample in family.samples
        if sample.name == REQUESTS
    }
    assert found == shown
    assert '"/2"' in body(TEXT)


@pytest.fixture
def clock(monkeypatch):
    """A function that sets the clock of ages forward or back by seconds."""
    from odoo_telemetry.metrics import clock

    now = clock.now

    def move(seconds):
        monkeypatch.setattr(clock, "now", lambda: now() + seconds)

    return move


@pytest.mark.parametrize("seconds, shown", [(0, True), (500, True), (601, False), (-86400, False)])
def test_what_was_read_long_ago_or_at_an_impossible_time_is_not_shown(store, values, clock, seconds, shown):
    IMAGES_PENDING.set(3, database="db")
    DATABASE_READ_DURATION.set(0.1, database="db")
    WORKERS_CONFIGURED.set(4, kind="http")
    clock(seconds)
    found = {name: value for (name, _labels), value in values().items()}
    assert (ACTIVE in found) == shown
    assert WORKERS in found
    if seconds >= 0:
        assert found[READ_AGE] == pytest.approx(seconds, abs=5)


def test_the_age_of_a_reading_before_the_machine_started_is_at_least_its_uptime(store, values, monkeypatch):
    from odoo_telemetry.metrics import clock

    DATABASE_READ_DURATION.set(0.1, database="db")
    monkeypatch.setattr(clock, "now", lambda: 42.0)
    assert values()[READ_AGE, (("database", "db"),)] == 42


@pytest.mark.parametrize("seconds", [86_400, -86_400])
def test_a_clock_that_is_set_hides_no_custom_metric(store, values, monkeypatch, seconds):
    publish_custom(store, "db", ("odoo_custom_jobs", "gauge", [], [[[], 1.0]]))
    now = time.time
    monkeypatch.setattr("odoo_telemetry.metrics.exposition.time.time", lambda: now() + seconds)
    assert [name for name, _labels in values() if name == "odoo_custom_jobs"]


def test_series_with_known_labels_start_at_zero(store, values):
    from odoo_telemetry.metrics import exposition

    exposition.start_at_zero("db")
    exposition.start_at_zero(None)
    found = values()
    assert found[ATTEMPTS, (("database", "db"),)] == 0
    assert found[f"{LCP}_count", (("database", "db"), ("user_role", "user"))] == 0
    assert found[f"{LCP}_bucket", (("database", "db"), ("le", "+Inf"), ("user_role", "user"))] == 0
    UI_LARGEST_CONTENTFUL_PAINT.observe(1, database="db", user_role="user")
    exposition.start_at_zero("db")
    assert values()[f"{LCP}_count", (("database", "db"), ("user_role", "user"))] == 1


def test_a_part_of_the_series_can_be_asked_for(store):
    from odoo_telemetry.metrics.exposition import Families

    HTTP_REQUESTS.inc(3, database="db", route="/web/login", method="GET", status_code_class="2xx", user_role="public")
    families = Families(store.databases.settings())
    [(labels, value)] = families.series(HTTP_REQUESTS)
    assert (labels["route"], labels["database"], value) == ("/web/login", "db", 3)
    assert families.series(REGISTRATION_ATTEMPTS) == []


@pytest.mark.parametrize(
    "accept_encoding, coding",
    [
        ("", None),
        ("identity", None),
        ("br, deflate", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.000", None),
        ("gzip;q=0.5", "gzip"),
        ("gzip;q=2", None),
        ("*", "gzip"),
        ("gzip;q=0, *", None),
        ("*;q=0, gzip", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("identity;q=0, *", "gzip"),
        ("deflate, gzip;q=1.0, *;q=0.5", "gzip"),
        ("gzipped", None),
    ],
)
def test_it_is_compressed_as_rfc_9110_has_it(store, accept_encoding, coding):
    from odoo_telemetry.metrics import exposition

    _body, headers = exposition.encode(exposition.Families(store.databases.settings()), "", accept_encoding)
    assert headers.get("Content-Encoding") == coding


@pytest.mark.parametrize("accept_encoding", ["identity;q=0", "*;q=0", "gzip;q=0, identity;q=0", "br, *;q=0"])
def test_a_scraper_that_takes_no_coding_is_refused(store, accept_encoding):
    from odoo_telemetry.metrics import exposition

    with pytest.raises(ValueError):
        exposition.encode(exposition.Families(store.databases.settings()), "", accept_encoding)


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("*/*", "text/plain"),
        ("text/*", "text/plain"),
        ("application/*", OPENMETRICS),
        ("image/png", "text/plain"),
        ("Application/OpenMetrics-Text; version=1.0.0", OPENMETRICS),
        (f"{OPENMETRICS};q=0", "text/plain"),
        ("text/plain;q=0.9, application/openmetrics-text;q=0.1", "text/plain"),
        ("text/plain;q=0, */*", OPENMETRICS),
        ("text/plain;q=0.1, application/openmetrics-text;q=0.9", OPENMETRICS),
        ("*/*, text/plain;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;version=1.x", OPENMETRICS),
        ("text/plain;version=x", "text/plain"),
    ],
)
def test_the_format_is_the_one_that_rfc_9110_finds_best(store, accept, kind):
    from odoo_telemetry.metrics import exposition

    _body, headers = exposition.encode(exposition.Families(store.databases.settings()), accept, "")
    assert headers["Content-Type"].startswith(kind.partition(";")[0])
