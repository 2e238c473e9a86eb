"""Series whose labels are known in advance: they are initialized to 0.

A series that appears with 1 hides its first event from ``rate()``.
"""

from itertools import product

from .metric import Metric


def known_labels(metric: Metric) -> list[tuple[str, ...]]:
    """Return the label values of the series of a metric; none if one of its labels is open."""
    if not all(label.values for label in metric.labels):
        return []
    return list(product(*(label.values for label in metric.labels)))
