"""Writes docs/metrics.md from the catalogue; ``make docs`` calls it."""

from . import catalogue

_HEADER = """# Metrics

Generated from `influencegen_telemetry/metrics/catalogue.py` by `make docs`; change it there.
"""

_SPECIFICATION = """
## The specification's metrics

*Series* are what Prometheus scrapes; *rule* is the recording rule that carries the metric where it is a rate, a
percentage or another derived value. Percentages are 0 to 100. A metric without a rule is its series.
"""

_SERIES = """
## Series

Metrics of *scope* database have a label `database`, which is `none` for what was answered without one. A label takes
its listed values, or at most as many as its number says; what comes after is folded into `other`. *Group* is how often
Prometheus scrapes them: fast every 10 s, system every 30 s, business every 60 s.
"""

_SECTIONS = {
    "Business": catalogue.BUSINESS,
    "Calls to other services": catalogue.APIS,
    "Odoo": catalogue.RUNTIME,
    "From other producers": catalogue.OTHER_PRODUCERS,
    "The exporter itself": catalogue.EXPORTER,
}


def render():
    """Return the text of docs/metrics.md."""
    parts = [_HEADER, _SPECIFICATION, _specification_table(), _SERIES]
    for title, metrics in _SECTIONS.items():
        parts += [f"\n### {title}\n", _series_table(metrics)]
    return "\n".join(parts)


def _specification_table():
    return _table(
        ("Specification", "Kind", "Unit", "Series", "Rule", "Interval", "Thresholds", "Producer"),
        (
            (
                _code(requirement.name),
                requirement.kind,
                requirement.unit,
                " ".join(map(_code, requirement.series)),
                _code(requirement.rule),
                _interval(requirement.interval),
                "; ".join(f"{name} {value}" for name, value in requirement.thresholds.items()),
                requirement.producer,
            )
            for requirement in catalogue.SPECIFICATION.values()
        ),
    )


def _series_table(metrics):
    return _table(
        ("Series", "Kind", "Unit", "Labels", "Buckets", "Scope", "Group", "Producer", "Meaning"),
        (
            (
                _code(metric.name),
                metric.kind,
                metric.unit,
                "; ".join(map(_label, metric.labels)),
                " ".join(f"{bound:g}" for bound in metric.buckets),
                metric.scope,
                metric.group,
                metric.producer,
                metric.help,
            )
            for metric in metrics
        ),
    )


def _table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _code(text):
    return f"`{text}`" if text else ""


def _label(label):
    return f"`{label.name}`: {', '.join(label.values) if label.values else f'at most {label.limit}'}"


def _interval(interval):
    return f"{interval} s" if isinstance(interval, int) else interval.replace("_", " ")


if __name__ == "__main__":
    print(render(), end="")
