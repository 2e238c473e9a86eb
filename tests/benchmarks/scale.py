"""A platform of 20 Odoo servers and 100,000 influencers: which series it has, and what their samples are like.

Influencers are rows, not labels: they increase values, not the number of series. That number follows from the label
values in use, up to the catalogue's limits.
"""

import json
import random
from functools import cache
from itertools import product

from influencegen_telemetry.business import catalogue
from prometheus.generator import tiers

SERVERS = 20
HOSTS = 25
DAYS = 90
TIMES = 10
IN_USE = {
    "route": 40, "method": 2, "http_method": 2, "status_code_class": 2, "user_role": 4, "campaign_id": 501,
    "endpoint": 2, "cron": 30, "error_class": 10, "module_name": 5, "interaction_name": 10, "workflow_name": 5,
    "node_name": 10, "slot": 6, "label": 20, "metric": 10,
}  # fmt: skip
"""How many values labels have at this size; those that are not named have all that their list has, or 3."""


def values_of(label, times=1):
    """Return the values that a label has, or would have with ``times`` as many in use, within its bound."""
    bound = label.values or tuple(range(label.limit + 1))
    return bound[: IN_USE.get(label.name, len(label.values) or 3) * times]


def parts(metric):
    """Return what the series of one combination of labels are: (suffix, {"le": bound}, place from 0 to 1) of each."""
    if metric.kind != "histogram":
        return [("", {}, 1)]
    bounds = [*metric.buckets, "+Inf"]
    buckets = [("_bucket", {"le": str(bound)}, place / len(bounds)) for place, bound in enumerate(bounds, 1)]
    return [*buckets, ("_sum", {}, 1), ("_count", {}, 1)]


def combinations(metric, without=(), times=1):
    """Return the combinations of label values of a metric, each as a dict."""
    labels = [label for label in metric.labels if label.name not in without]
    return [
        {label.name: str(value) for label, value in zip(labels, values, strict=True)}
        for values in product(*(values_of(label, times) for label in labels))
    ]


def size(metric, without=(), times=1):
    """Return how many series a metric has."""
    return len(combinations(metric, without, times)) * len(parts(metric))


def bound(metric):
    """Return how many series a metric can have at most, on one server."""
    count = len(parts(metric))
    for label in metric.labels:
        count *= len(label.values) or label.limit + 1
    return count


def tier_series(times=1):
    """Yield (name in a storage, labels, place among its buckets from 0 to 1) of each series of a tier.

    :param times: how many times as many values labels have, within the catalogue's bounds
    """
    names = set()
    for metric in catalogue.METRICS.values():
        operation = "avg" if metric.kind == "gauge" else "increase"
        for suffix, le, place in parts(metric):
            name = f"{metric.name.removesuffix('_total')}{suffix}:{operation}"
            names.add(name)
            for labels in combinations(metric, ("slot",), times):
                yield f"tier:{name}", {**labels, **le}, place
    for rule in (rule for fine, _ in tiers.files().values() for rule in fine.rules):
        name = rule.name.removeprefix("tier5m:")
        if name not in names:
            for host in range(HOSTS * times):
                yield f"tier:{name}", {"host": f"host-{host}"}, 1


@cache
def sampled(operation, seed, place, count, step):
    """Return the samples of a series as JSON, with a daily cycle: growth of a busy or a quiet one, or averages."""
    draw = random.Random(f"{operation}{seed}")
    texts = []
    for number in range(count):
        of_day = 0.5 + number * step % 86400 / 86400
        if operation == "avg":
            texts.append(repr(40 + 20 * of_day + draw.random()))
        else:
            texts.append(str(int(draw.expovariate(1) * of_day * 2**seed * step / 300 * place)))
    return ",".join(texts)


def history(step, end, days=DAYS, times=1):
    """Yield JSON lines of all series of a tier for so many days up to ``end``, in the format of /api/v1/import."""
    count = days * 86400 // step
    timestamps = ",".join(str((end - step * back) * 1000) for back in range(count - 1, -1, -1))
    for number, (name, labels, place) in enumerate(tier_series(times)):
        samples = sampled(name.rsplit(":", 1)[1], number // 20 % 8, round(place, 1), count, step)
        metric = json.dumps({"__name__": name, **labels})
        yield f'{{"metric":{metric},"values":[{samples}],"timestamps":[{timestamps}]}}\n'.encode()


def scraped(group):
    """Return (text of a series, growth a second) of all that one server exposes of a group."""
    draw = random.Random(group)
    series = []
    for metric in catalogue.METRICS.values():
        if metric.group == group:
            for labels in combinations(metric):
                rate = draw.random()
                for suffix, le, place in parts(metric):
                    text = ",".join(f'{name}="{value}"' for name, value in {**labels, **le}.items())
                    series.append((f"{metric.name}{suffix}{{{text}}}", rate * place))
    return series
