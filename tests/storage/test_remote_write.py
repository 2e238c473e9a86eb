"""What Prometheus, with the project's own configuration, writes to the storages of the tiers."""

from dataclasses import replace

import pytest
import yaml

from stack.layout import Layout
from stack.ports import Ports
from stack.services import victoria
from tests.storage.servers import share_passwords, start_prometheus, start_victoria
from tests.waiting import until

pytestmark = pytest.mark.servers

# Evaluated each second. The label of `evaluated` is the time, so each evaluation makes a series of its own.
RECORDED = {
    "tier5m:evaluated:avg": 'count_values("second", vector(time()))',
    "tier5m:fine:avg": "vector(time())",
    "tier1h:coarse:avg": "vector(time())",
    "influencegen:other:rate_5m": "vector(1)",
}


@pytest.fixture
def rules(layout):
    """The path of rules that are evaluated each second."""
    path = layout.state / "rules.yml"
    recorded = [{"record": name, "expr": expression} for name, expression in RECORDED.items()]
    path.write_text(yaml.safe_dump({"groups": [{"name": "each-second", "interval": "1s", "rules": recorded}]}))
    return path


@pytest.fixture
def storages(layout, running):
    """The storages of both tiers."""
    return {tier.name: running(start_victoria(layout, tier.name)) for tier in victoria.TIERS}


def seconds(server):
    """Return the times of all evaluations that a server knows of."""
    return set(server.get("/api/v1/label/second/values")["data"])


def test_each_tier_reaches_its_own_storage_and_nothing_else_does(layout, running, rules, storages):
    writer = running(start_prometheus(layout, rules))
    until(lambda: all(storage.names() for storage in storages.values()), "both storages have series")
    until(lambda: len(seconds(storages["victoria_5m"])) > 3, "several evaluations are stored")
    assert storages["victoria_5m"].names() == {"tier:evaluated:avg", "tier:fine:avg"}
    assert storages["victoria_1h"].names() == {"tier:coarse:avg"}
    assert RECORDED.keys() <= writer.names()


def test_a_storage_that_was_away_misses_nothing(layout, running, rules, storages):
    storage = storages["victoria_5m"]
    writer = running(start_prometheus(layout, rules))
    until(lambda: len(seconds(storage)) > 2, "evaluations are stored")
    storage.stop()
    known = len(seconds(writer))
    until(lambda: len(seconds(writer)) > known + 5, "Prometheus goes on")
    storage.start()
    evaluated = seconds(writer)
    until(lambda: max(seconds(storage), default="") >= max(evaluated), "the storage is up to date")
    assert evaluated <= seconds(storage)


def test_of_two_prometheus_one_series_is_kept(layout, running, rules, storages, tmp_path):
    other = Layout(tmp_path / "b", replace(Ports.free(), victoria_5m=layout.ports.victoria_5m))
    share_passwords(layout, other)
    storage = storages["victoria_5m"]
    for name, place in (("a", layout), ("b", other)):
        writer = running(start_prometheus(place, rules, environment={"REPLICA": name}))
        evaluated = until(lambda writer=writer: seconds(writer), f"{name} has evaluated the rules")
        until(lambda evaluated=evaluated: evaluated <= seconds(storage), f"what {name} recorded is stored")
    assert storage.get("/api/v1/series", **{"match[]": "tier:fine:avg"})["data"] == [{"__name__": "tier:fine:avg"}]
    # of two that write it each second
    [(_, samples)] = storage.query("count_over_time(tier:fine:avg[1h])", float(max(seconds(storage))) + 60)
    assert samples <= 2
