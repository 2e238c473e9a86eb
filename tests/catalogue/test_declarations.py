"""What an addon declares, whenever it does: metrics, roles, interactions, thresholds, attributes of spans."""

from contextlib import contextmanager
from copy import copy

import pytest

from odoo_telemetry.metrics import catalogue
from odoo_telemetry.metrics.catalogue import Counter, Gauge, Histogram, Label, Rows
from odoo_telemetry.metrics.settings import THRESHOLDS, Settings

REGISTRIES = (
    catalogue.METRICS,
    catalogue.MODULES,
    catalogue.THRESHOLD_MODULES,
    catalogue.ROLES,
    catalogue.SPAN_ATTRIBUTES,
    THRESHOLDS,
    *(label.values for label in (catalogue.ROLE, catalogue.INTERACTION, catalogue.THRESHOLD)),
)


@contextmanager
def undone():
    """Undo the declarations of the block."""
    before = [copy(registry) for registry in REGISTRIES]
    try:
        yield
    finally:
        for registry, content in zip(REGISTRIES, before, strict=True):
            registry.clear()
            (registry.extend if isinstance(registry, list) else registry.update)(content)


@pytest.fixture(autouse=True)
def _undone():
    with undone():
        yield


def test_a_metric_of_another_shape_is_refused():
    Counter("orders_total", "Orders.")
    Counter("orders_total", "Orders.")
    with pytest.raises(ValueError, match="another metric orders_total"):
        Counter("orders_total", "Orders.", labels=(Label("channel"),))
    with pytest.raises(ValueError, match="another metric orders_total"):
        Gauge("orders_total", "Orders.")


@pytest.mark.parametrize("name", ["database", "class", "a-b", "_cells"])
def test_a_label_that_can_not_be_a_keyword_is_refused(name):
    with pytest.raises(ValueError, match=f"can't have a label {name}"):
        Counter("orders_total", "Orders.", labels=(Label(name),))
    assert "orders_total" not in catalogue.METRICS


def test_facts_that_stay_are_audited():
    assert Counter("orders_total", "Orders.", rows=(Rows("sale.order"),)).is_audited
    assert not Gauge("mean_age", "Mean age.", rows=(Rows("sale.order"),), window=60).is_audited
    assert not Counter("clicks_total", "Clicks.").is_audited
    assert not Gauge("age", "Age.").is_audited


def test_a_role_comes_before_another():
    catalogue.declare_role("clerk", "sales_team.group_sale_salesman", before="user")
    catalogue.declare_role("clerk", "sales_team.group_sale_salesman", before="user")
    roles = [role for role, _group in catalogue.ROLES]
    assert roles.count("clerk") == catalogue.ROLE.values.count("clerk") == 1
    assert roles.index("admin") < roles.index("clerk") < roles.index("user")


def test_roles_before_that_of_users_are_internal():
    catalogue.declare_role("clerk", "sales_team.group_sale_salesman")
    catalogue.declare_role("customer", "sales_team.group_customer", before="portal")
    assert {"admin", "clerk", "user"} <= catalogue.internal_roles()
    assert catalogue.internal_roles().isdisjoint({"customer", "portal", "public"})


def test_a_role_before_one_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no role nobody"):
        catalogue.declare_role("clerk", "sales_team.group_sale_salesman", before="nobody")


def test_labels_stay_comparable_while_they_grow():
    label, before = Label("user_role", catalogue.ROLE.values), hash(catalogue.ROLE)
    catalogue.declare_role("clerk", "sales_team.group_sale_salesman")
    assert (hash(catalogue.ROLE), label) == (before, catalogue.ROLE)


def test_interactions_thresholds_and_attributes():
    catalogue.declare_interactions("confirm_order")
    catalogue.declare_threshold("orders_per_minute", 9)
    catalogue.declare_span_attributes("sale.order_id")
    assert "confirm_order" in catalogue.INTERACTION.values
    assert Settings().thresholds["orders_per_minute"] == 9
    assert "orders_per_minute" in catalogue.THRESHOLD.values
    assert "sale.order_id" in catalogue.SPAN_ATTRIBUTES


def test_labels_may_have_the_names_of_parameters(tmp_path):
    from odoo_telemetry.metrics import attempts, store

    names = ("self", "value", "number", "source", "counter", "amount")
    labels = dict.fromkeys(names, "a")
    orders = Counter("orders_total", "Orders.", tuple(map(Label, names)), scope="instance")
    backlog = Gauge("order_backlog", "Open orders.", tuple(map(Label, names)))
    seconds = Histogram("order_seconds", "Time to confirm an order.", tuple(map(Label, names)), buckets=(1,))
    store.directory.configure(tmp_path)
    try:
        store.databases.publish("db", Settings())
        orders.start(**labels)
        orders.inc(2, **labels)
        orders.follow(3, 1, **labels)
        seconds.observe(0.5, database="db", **labels)
        seconds.exemplify(0.5, database="db", **labels)
        assert backlog.sample(4, **labels).labels == labels
        assert store.reader.values()[0]["orders_total", None, ("a",) * len(names), ""] == 5
        attempted = Counter("order_attempts_total", "Attempts to order.", tuple(map(Label, names)))
        attempts.count(attempted, database="db", **labels)
        assert store.reader.values()[0]["order_attempts_total", "db", ("a",) * len(names), ""] == 1
    finally:
        store.directory.configure(tmp_path / "unused")


def test_a_metric_that_is_declared_late_is_stored_and_shown(tmp_path):
    """The store was opened, and read, before the addon that declares it was loaded."""
    from odoo_telemetry.metrics import store
    from odoo_telemetry.metrics.exposition import Families

    store.directory.configure(tmp_path)
    store.databases.publish("db", Settings())

    def declare():
        orders = Counter("orders_total", "Orders.")
        return orders, Histogram("order_seconds", "Time to confirm an order.", buckets=(1,), unit="seconds")

    try:
        with undone():
            orders, seconds = declare()
            orders.inc(database="db")
            seconds.observe(0.5, database="db")
        # as another process: it reads files that have metrics which it does not know
        store.directory.configure(tmp_path)
        assert "orders_total" not in Families(store.databases.settings()).text(False)
        _orders, seconds = declare()
        text = Families(store.databases.settings()).text(False)
        assert 'orders_total{database="db"} 1.0' in text
        assert 'order_seconds_bucket{database="db",le="1.0"} 1.0' in text
        seconds.observe(0.5, database="db")
        assert 'order_seconds_count{database="db"} 2.0' in Families(store.databases.settings()).text(False)
    finally:
        store.directory.configure(tmp_path / "unused")


def test_a_database_exports_what_its_modules_declare(tmp_path):
    from odoo_telemetry.metrics import store
    from odoo_telemetry.metrics.exposition import Families, start_at_zero

    orders, backlog = Counter("orders_total", "Orders."), Gauge("order_backlog", "Open orders.")
    seconds = Histogram("order_seconds", "Time to confirm an order.", buckets=(1,), unit="seconds")
    servers = Gauge("order_servers", "Servers of orders.", scope="instance")
    catalogue.declare_module("sale_telemetry", orders, backlog, seconds, servers)
    store.directory.configure(tmp_path)
    try:
        # a former version published no modules
        databases = {"with": ["sale_telemetry"], "without": [], "former": None}
        for database, modules in databases.items():
            store.databases.publish(database, Settings(modules=modules))
            start_at_zero(database)
        assert not [key for key in store.reader.values()[0] if key[1] == "without" and key[0].startswith("order")]
        for database in databases:
            orders.inc(database=database)
            backlog.set(3, database=database)
            seconds.observe(0.5, database=database)
        servers.set(2)
        text = Families(store.databases.settings()).text(False)
        for series in ("orders_total{", "order_backlog{", "order_seconds_count{"):
            for database, exported in (("with", True), ("former", True), ("without", False)):
                assert (f'{series}database="{database}"}}' in text) is exported, (series, database)
        assert "order_servers 2.0" in text
        # uninstalled while the workers run
        store.databases.publish("with", Settings(modules=[]))
        assert 'database="with"' not in "\n".join(
            line for line in Families(store.databases.settings()).text(False).splitlines() if line.startswith("order")
        )
    finally:
        store.directory.configure(tmp_path / "unused")


def test_a_database_exports_the_thresholds_of_its_modules(tmp_path):
    """An alert that takes the lowest threshold of all databases must not get one that nobody can set."""
    from odoo_telemetry.metrics import store
    from odoo_telemetry.metrics.exposition import Families

    catalogue.declare_threshold("orders_per_minute", 9, "sale_telemetry")
    store.directory.configure(tmp_path)
    try:
        for database, modules in {"with": ["sale_telemetry"], "without": [], "former": None}.items():
            store.databases.publish(database, Settings(modules=modules))
        series = Families(store.databases.settings()).series(catalogue.THRESHOLD_VALUE)
        assert {labels["database"] for labels, _value in series if labels["name"] == "orders_per_minute"} == {
            "with",
            "former",
        }
        assert {labels["database"] for labels, _value in series if labels["name"] == "concurrent_users"} == {
            "with",
            "without",
            "former",
        }
    finally:
        store.directory.configure(tmp_path / "unused")
