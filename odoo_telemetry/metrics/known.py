"""Series that are known before anything happens: they are to begin at 0.

One that first appears at 1 would hide its first event from ``rate()``.
"""

from itertools import product


def known_labels(metric):
    """Return the list of label values (tuples) of the series of a metric; none if one of its labels is open.

    :param metric: :class:`.catalogue.Metric`
    """
    if not all(label.values for label in metric.labels):
        return []
    return list(product(*(label.values for label in metric.labels)))
