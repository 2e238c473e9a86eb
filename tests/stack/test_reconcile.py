from types import SimpleNamespace

from influencegen_telemetry.business import catalogue
from stack.verify import reconcile

NONE = frozenset()
PAID = frozenset({("outcome", "paid")})


def test_what_one_source_does_not_know_is_0():
    [line] = reconcile.lines({("facts", PAID): 2}, {}, {("facts", PAID): 2.0}, ["facts"])
    assert (line.rows, line.counter, line.prometheus) == (2, 0, 2.0)
    assert not line.agrees


def test_lines_come_in_the_order_of_the_facts():
    compared = reconcile.lines({("b", NONE): 1, ("a", NONE): 1}, {("b", PAID): 1}, {}, ["b", "a"])
    assert [(line.fact, line.labels) for line in compared] == [("b", {}), ("b", {"outcome": "paid"}), ("a", {})]


def test_the_table_marks_what_agrees():
    compared = reconcile.lines({("a", NONE): 1, ("b", NONE): 1}, {("a", NONE): 1.0}, {("a", NONE): 1.0}, ["a", "b"])
    header, first, second = reconcile.table(compared).splitlines()
    assert header.split() == ["fact", "rows", "/metrics", "Prometheus"]
    assert first.endswith("✓") and second.endswith("✗")


def test_rows_are_counted_by_the_values_of_their_labels():
    records = [{"campaign_id": [7, "Summer"], "state": "paid"}, {"campaign_id": [7, "Summer"], "state": "paid"}]
    admin = SimpleNamespace(call=lambda *arguments: records)
    metric = SimpleNamespace(
        name="facts",
        labels=[SimpleNamespace(name="campaign_id"), SimpleNamespace(name="outcome"), SimpleNamespace(name="kind")],
        rows=[catalogue.Rows("m", (), (".campaign_id", ".state", "fixed"))],
    )
    expected = frozenset({("campaign_id", "7"), ("outcome", "paid"), ("kind", "fixed")})
    assert reconcile.count_rows(admin, metric) == {("facts", expected): 2}


def test_the_catalogue_is_read_without_odoo():
    assert "influencer_registration_success_total" in catalogue.METRICS
