"""The tiers' rules cover every metric."""

import re

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue
from prometheus.generator import scraping, tiers
from stack.services import victoria
from tests import requirements
from tests.storage.conftest import ROOT

GROUPS = [group for groups in tiers.files().values() for group in groups]
RULES = {tier: [rule for group in GROUPS if group.name.endswith(tier) for rule in group.rules] for tier in ("5m", "1h")}
TEXT = " ".join(rule.expr for rule in RULES["5m"])
RECORDED = {tier: {rule.name for rule in rules} for tier, rules in RULES.items()}


def test_each_metric_of_the_catalogue_is_in_both_tiers(subtests):
    for metric in catalogue.METRICS.values():
        with subtests.test(metric.name):
            name = metric.name.removesuffix("_total")
            series = {
                "counter": {f"{name}:increase"},
                "gauge": {f"{name}:avg"},
                "histogram": {f"{name}_{part}:increase" for part in ("bucket", "sum", "count")},
            }[metric.kind]
            for tier in ("5m", "1h"):
                assert {f"tier{tier}:{one}" for one in series} <= RECORDED[tier]


def test_each_metric_of_the_specification_is_in_the_tiers():
    assert [
        requirement.name
        for requirement in business.SPECIFICATION.values()
        if not all(series in TEXT for series in requirement.series) and f"({requirement.rule}[" not in TEXT
    ] == []


def test_the_coarser_tier_is_made_of_the_finer():
    fine, coarse = (set(names) for names in RECORDED.values())
    assert {name.replace("tier1h:", "tier5m:") for name in coarse} == fine


def test_samples_are_kept_as_long_as_is_required():
    [raw] = re.findall(r"--storage.tsdb.retention.time=(\w+)", (ROOT / "docker-compose.yml").read_text())
    kept = [raw, *(tier.retention for tier in victoria.TIERS)]
    steps = [max(scraping.GROUPS.values()), *(in_seconds(tier.step) for tier in victoria.TIERS)]
    for required, time, step in zip(requirements.RETENTION.values(), kept, steps, strict=True):
        assert required["step"][0] <= step <= required["step"][1]
        assert required["days"][0] <= in_seconds(time) / 86400 <= required["days"][1]


def in_seconds(time):
    return int(time[:-1]) * {"m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}[time[-1]]
