"""Facts against their rows: what the database holds, what /metrics says, and what Prometheus has stored."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from influencegen_telemetry.business import FACTS
from odoo_telemetry.metrics import metric as declared
from stack.services import n8n
from stack.services.odoo_client import OdooClient
from stack.system import System

COUNTERS = [metric for metric in FACTS if metric.kind == "counter"]
# Labels that say where a value was taken, not what it counts.
PROVENANCE = {"__name__", "database", "instance", "job"}

Labels = frozenset[tuple[str, str]]
Parser = Callable[[str], Iterable[Metric]]
Values = Mapping[tuple[str, Labels], float]


@dataclass(frozen=True)
class Line:
    """One fact: how many rows it has, and the value of its counter in both places."""

    fact: str
    labels: dict[str, str]
    rows: float
    counter: float
    prometheus: float

    @property
    def agrees(self) -> bool:
        return self.rows == self.counter == self.prometheus


def compare(system: System, admin: OdooClient, attempts: Mapping[str, float]) -> list[Line]:
    """Return a line for each fact of the platform and each of its labels' values.

    `attempts` has the expected values of counters whose events leave no rows.
    """
    names = [*attempts, *(metric.name for metric in COUNTERS)]
    rows: Counter[tuple[str, Labels]] = Counter({(name, frozenset()): value for name, value in attempts.items()})
    for metric in COUNTERS:
        rows.update(count_rows(admin, metric))
    return lines(rows, exposed(system, names), stored(system, names), names)


def lines(rows: Values, counters: Values, prometheus: Values, names: Iterable[str]) -> list[Line]:
    """Return one line for each series that any of the three knows, in the order of `names`; what is absent is 0."""
    order = {name: position for position, name in enumerate(names)}
    keys = sorted({*rows, *counters, *prometheus}, key=lambda key: (order[key[0]], sorted(key[1])))
    return [
        Line(name, dict(sorted(labels)), *(values.get((name, labels), 0.0) for values in (rows, counters, prometheus)))
        for name, labels in keys
    ]


def exposed(system: System, names: Iterable[str]) -> dict[tuple[str, Labels], float]:
    """Return what Odoo's /metrics says of the named counters."""
    return _scraped(system, system.url("odoo", "/metrics"), text_string_to_metric_families, names)


def exposed_by_n8n(system: System, names: Iterable[str]) -> dict[tuple[str, Labels], float]:
    """Return what the metrics workflow of n8n says of the named counters."""
    url = system.url("n8n", n8n.METRICS)
    return _scraped(system, url, openmetrics.text_string_to_metric_families, names)


def _scraped(system: System, url: str, parse: Parser, names: Iterable[str]) -> dict[tuple[str, Labels], float]:
    token = system.layout.secret("scrape-token")
    response = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    response.raise_for_status()
    wanted = set(names)
    return {
        (sample.name, _labels(sample.labels)): sample.value
        for family in parse(response.text)
        for sample in family.samples
        if sample.name in wanted
    }


def stored(system: System, names: Iterable[str]) -> dict[tuple[str, Labels], float]:
    """Return the newest values of the named counters in Prometheus."""
    selector = f'{{__name__=~"{"|".join(names)}"}}'
    return {
        (sample["metric"]["__name__"], _labels(sample["metric"])): float(sample["value"][1])
        for sample in query(system, selector)
    }


def query(system: System, expression: str) -> list[dict[str, Any]]:
    """Return the result of an instant query of Prometheus."""
    response = requests.get(system.url("prometheus", "/api/v1/query"), params={"query": expression}, timeout=30)
    response.raise_for_status()
    result: list[dict[str, Any]] = response.json()["data"]["result"]
    return result


def table(compared: Iterable[Line]) -> str:
    """Return the lines as a table for people to read."""
    header = ("fact", "rows", "/metrics", "Prometheus", "")
    cells: list[tuple[str, ...]] = [header]
    for line in compared:
        labels = ", ".join(f"{name}={value}" for name, value in line.labels.items())
        cells.append((
            f"{line.fact}{f' ({labels})' if labels else ''}",
            *(f"{value:g}" for value in (line.rows, line.counter, line.prometheus)),
            "✓" if line.agrees else "✗",
        ))  # fmt: skip
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not column else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    )  # fmt: skip


def count_rows(admin: OdooClient, metric: declared.Metric) -> Counter[tuple[str, Labels]]:
    """Return how many records a counter of facts should have counted, by its name and its labels' values."""
    counted: Counter[tuple[str, Labels]] = Counter()
    for source in metric.rows:
        if source.starts:
            continue
        fields = [value.removeprefix(".") for value in source.labels if value.startswith(".")]
        for record in admin.call(source.model, "search_read", list(source.domain), fields or ["id"]):
            values = (_value(record, value) for value in source.labels)
            labels = zip((label.name for label in metric.labels), values, strict=True)
            counted[metric.name, _labels(dict(labels))] += 1
    return counted


def _value(record: dict[str, Any], label: str) -> str:
    """Return a label's value for a record: a constant, or that of the field which it names."""
    if not label.startswith("."):
        return label
    value = record[label.removeprefix(".")]
    return str(value[0] if isinstance(value, list) else value)


def _labels(labels: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in labels.items() if name not in PROVENANCE)
