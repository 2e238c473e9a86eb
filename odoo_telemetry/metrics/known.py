"""Series that are known before anything happens: they are to begin at 0.

One that first appears at 1 would hide its first event from ``rate()``.
"""

from itertools import product

from .metric import Metric


def known_labels(metric: Metric) -> list[tuple[str, ...]]:
    """Return the label values of the series of a metric; none if one of its labels is open."""
    if not all(label.values for label in metric.labels):
        return []
    return list(product(*(label.values for label in metric.labels)))
