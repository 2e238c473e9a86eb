"""How the overview's tiles compare with the previous period.

Facts of the previous period are counted from the rows themselves, through an index on their time: the period begins or
ends at an exact second, for which the ledger's steps are too coarse. The cost does not grow with the history.
"""

import json

from psycopg2.errors import QueryCanceled

from ..facts import triggers
from .custom_query import limited

SECONDS = 0.5
"""Longest time of a statement that reads the previous period; after that, the tile has no comparison."""


def change(span, unit, now, before, better="", subject=False):
    """Return how the value ``now`` compares with the one of the previous period, False if it can't be compared.

    :param span: the :class:`.overview.Span` of ``now``
    :param str unit: of both; a percentage changes by percentage points, anything else by a percentage
    :param now: number, as is ``before``; None where there is nothing to compare
    :param str better: 'more' or 'less', if one of them is better
    :param subject: what is compared (str), if it is not the value of the tile
    """
    points = unit == "percent"
    if now is None or before is None or not (points or before > 0):
        return False
    difference = round(now - before if points else 100 * (now / before - 1), 1)
    state = "none"
    if better and difference:
        state = "good" if (difference > 0) == (better == "more") else "bad"
    return {
        "change": difference,
        "points": points,
        "before": before,
        "unit": unit,
        "period": span.before.name,
        "state": state,
        "subject": subject,
    }


def count_before(env, span, metric, **labels):
    """Return how many facts of ``metric`` with these labels the previous period had, None if that is not known."""
    samples = samples_before(env, span, metric, **labels)
    return None if samples is None else samples[""]


def samples_before(env, span, metric, **labels):
    """Return {sample: number of facts of the period before the span}: '' for all, and the buckets of a histogram.

    None if that is not known: no row is older than the period, or reading it takes too long.
    """
    start, end = (f"'{moment.isoformat(' ')}'::timestamp" for moment in (span.before.start, span.before.end))
    buckets = ", ".join(f"count(*) FILTER (WHERE value <= '{bound}'::float8)" for bound in metric.bounds)
    samples, reaches_back = dict.fromkeys(("", *map(str, metric.bounds)), 0), False
    table_of = env["telemetry.ledger"]._table_of
    try:
        with limited(env, SECONDS):
            for rows in metric.rows:
                moment, table = triggers.moment(rows, "t"), table_of(rows.model)
                reaches_back |= bool(_read(env, f'SELECT min({moment}) < {start} FROM "{table}" t')[0][0])
                within = f"{moment} >= {start} AND {moment} < {end}"
                facts = triggers.selection(metric, rows, table, table_of, within)
                for text, number, *cumulated in _read(
                    env,
                    f"SELECT labels, count(*), {buckets} FROM ({facts})"
                    " AS facts (metric, res_id, labels, amount, value, at) GROUP BY 1",
                ):
                    if fits(metric, json.loads(text), labels):
                        samples[""] += number
                        for bound, below, up_to in zip(metric.bounds, [0, *cumulated], cumulated, strict=False):
                            samples[str(bound)] += up_to - below
    except QueryCanceled:
        return None
    return samples if reaches_back else None


def fits(metric, values, labels):
    """Return whether a series of ``metric`` with these ``values`` matches ``labels``, {name: value} of some labels."""
    return all(labels.get(name) in (None, value) for name, value in zip(metric.label_names, values, strict=True))


def _read(env, statement):
    env.cr.execute(statement, log_exceptions=False)
    return env.cr.fetchall()
