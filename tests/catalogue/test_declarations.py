"""What an addon declares, whenever it does: metrics, roles, interactions, thresholds, attributes of spans."""

from contextlib import contextmanager
from copy import copy

import pytest

from odoo_telemetry.metrics import catalogue
from odoo_telemetry.metrics.catalogue import Label, Metric, Rows
from odoo_telemetry.metrics.settings import THRESHOLDS, Settings

REGISTRIES = (
    catalogue.METRICS,
    catalogue.BOUNDS,
    catalogue.LIVE,
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
    catalogue.declare(Metric("orders_total", "counter", "Orders."))
    catalogue.declare(Metric("orders_total", "counter", "Orders."))
    with pytest.raises(ValueError, match="another metric orders_total"):
        catalogue.declare(Metric("orders_total", "gauge", "Orders."))


def test_facts_that_stay_are_audited():
    assert Metric("orders_total", "counter", "Orders.", rows=(Rows("sale.order"),)).is_audited
    assert not Metric("age", "gauge", "Mean age.", rows=(Rows("sale.order"),), window=60).is_audited
    assert not Metric("orders_total", "counter", "Orders.").is_audited
    assert not Metric("age", "gauge", "Mean age.").is_audited


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


def test_a_metric_that_is_declared_late_is_stored_and_shown(tmp_path):
    """The store was opened, and read, before the addon that declares it was loaded."""
    from odoo_telemetry.metrics import store
    from odoo_telemetry.metrics.exposition import Families

    store.configure(tmp_path)
    store.publish("db", Settings())
    late = (
        Metric("orders_total", "counter", "Orders."),
        Metric("order_seconds", "histogram", "Time to confirm an order.", unit="seconds", buckets=(1,)),
    )
    try:
        with undone():
            catalogue.declare(*late)
            store.inc("orders_total", database="db")
            store.observe("order_seconds", 0.5, database="db")
        # as another process: it reads files that have metrics which it does not know
        store.configure(tmp_path)
        assert "orders_total" not in Families(store.databases()).text(False)
        catalogue.declare(*late)
        text = Families(store.databases()).text(False)
        assert 'orders_total{database="db"} 1.0' in text
        assert 'order_seconds_bucket{database="db",le="1.0"} 1.0' in text
        store.observe("order_seconds", 0.5, database="db")
        assert 'order_seconds_count{database="db"} 2.0' in Families(store.databases()).text(False)
    finally:
        store.configure(tmp_path / "unused")
