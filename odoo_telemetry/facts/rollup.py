"""From entries to totals: what the ledger's tables hold, and how entries add up.

The entries of one row in one transaction add up to the net change: 1 for a new fact, -1 for a removed one, 0 for a row
that was created and deleted, or moved between labels. A counter adds new facts and never subtracts; the current numbers
(gauges, the audit, the last week) add all entries.
"""

import json
import math
from bisect import bisect_left
from collections import defaultdict

from ..metrics.known import known_labels
from ..metrics.labels import OTHER
from .triggers import ENTRY, PREFIX

TOTAL, BALANCE, HISTORY, LOGIN, LOCK = (f"{PREFIX}{name}" for name in ("total", "balance", "history", "login", "lock"))
TABLES = (ENTRY, TOTAL, BALANCE, HISTORY, LOGIN, LOCK)

BLOCK_BITS = 12
"""The audit compares ledger and rows by blocks of 4,096 ids: small enough to say where a difference is, and so large
that ten million rows have no more than 2,500."""
BLOCK = 1 << BLOCK_BITS
STEPS = {300: 26 * 3600, 3600: 8 * 86_400}
"""Resolution and retention of the history, in seconds: a day by 5 minutes, the shortest bar of the overview's charts,
and a week by hours; both a little longer, so that the first bar is complete."""
NET = "net"
"""The sample of the total of current facts; '' is that of all facts there ever were."""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS {ENTRY} (
    id bigserial PRIMARY KEY,
    metric text NOT NULL,
    -- of the row; none for an amount that is final already
    res_id integer,
    labels text NOT NULL,
    amount integer NOT NULL,
    value double precision,
    at timestamp,
    txid bigint NOT NULL DEFAULT txid_current(),
    made_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, vacuum_truncate = off);
CREATE TABLE IF NOT EXISTS {TOTAL} (
    metric text, labels text, sample text, amount double precision NOT NULL, PRIMARY KEY (metric, labels, sample)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS {BALANCE} (
    metric text, block integer, rows integer NOT NULL, offsets bigint NOT NULL, PRIMARY KEY (metric, block)
) WITH (fillfactor = 50);
CREATE TABLE IF NOT EXISTS {HISTORY} (
    metric text, step integer, at integer, labels text, sample text, amount double precision NOT NULL,
    PRIMARY KEY (metric, step, at, labels, sample)
);
CREATE TABLE IF NOT EXISTS {LOGIN} (day integer, user_id integer, PRIMARY KEY (day, user_id));
CREATE TABLE IF NOT EXISTS {LOCK} ();
"""
"""``offsets`` of a balance is the sum of the rows' places in their block: it differs when one row is missing and
another one too many. ``at`` and ``day`` are numbers of steps and of days since 1970, in UTC. Whoever writes totals
holds the table ``LOCK``: taken as the first statement of a transaction, unlike an advisory lock, it comes before the
snapshot (https://www.postgresql.org/docs/current/explicit-locking.html)."""

OPEN = """
WITH touched AS (
    SELECT DISTINCT ON (res_id) res_id, metric, labels, amount, value, at FROM {entry}
    WHERE metric = %(touched)s AND res_id >= %(first)s AND res_id < %(end)s ORDER BY res_id, id
), source AS (
    SELECT s.res_id AS id, s.metric, s.res_id, s.labels, s.amount, s.value,
        CASE WHEN s.at >= %(since)s THEN s.at END AS at, 0 AS txid, now() AS made_at
    FROM (
        SELECT * FROM ({selection}) AS found (metric, res_id, labels, amount, value, at)
        WHERE NOT EXISTS (SELECT FROM touched WHERE touched.res_id = found.res_id)
        UNION ALL
        SELECT metric, res_id, labels, 1, value, at FROM touched WHERE amount < 0
    ) AS s
) {add_up}
"""
"""The rows ``first`` to ``end`` as they were before the ledger began: rows without entries as they are, the others
as the first entry about them found them. ``since`` is the oldest moment that history keeps;
``touched`` is the metric, or None where an entry is not about a row."""
COMPARE = """
WITH rows AS (
    SELECT t.id >> {bits} AS block, count(*) AS rows, sum(t.id & {mask}) AS offsets
    FROM "{table}" t WHERE t.id >= %(first)s AND t.id < %(end)s AND {condition} GROUP BY 1
), ledger AS (
    SELECT block, sum(rows) AS rows, sum(offsets) AS offsets FROM (
        SELECT block, rows, offsets FROM {balance}
        WHERE metric = %(metric)s AND block >= %(first)s >> {bits} AND block < %(end)s >> {bits}
        UNION ALL
        SELECT res_id >> {bits}, amount, amount * (res_id & {mask}) FROM {entry}
        WHERE metric = %(metric)s AND res_id >= %(first)s AND res_id < %(end)s
    ) AS known GROUP BY 1
)
SELECT block, coalesce(rows.rows, 0) - coalesce(ledger.rows, 0)
FROM rows FULL JOIN ledger USING (block)
WHERE (coalesce(rows.rows, 0), coalesce(rows.offsets, 0)) != (coalesce(ledger.rows, 0), coalesce(ledger.offsets, 0))
"""
"""The blocks whose rows differ from the ledger, and by how many; 0 if the rows differ but not their number."""

_STEP = f"CASE WHEN isfinite(m.at) THEN floor(extract(epoch FROM m.at) / {min(STEPS)})::integer END"
READ_TOTALS = f"SELECT metric, labels, sample, amount FROM {TOTAL}"
TAKE_LOCK = f"LOCK TABLE {LOCK} IN EXCLUSIVE MODE"
TAKE_LOCK_AT_ONCE = f"{TAKE_LOCK} NOWAIT"
ADD_UP = f"""
SELECT m.metric, m.labels, m.res_id >> {BLOCK_BITS}, {_STEP},
    sum(CASE WHEN m.res_id IS NULL THEN m.amount WHEN m.is_fact THEN 1 ELSE 0 END),
    sum(m.amount), sum(m.amount * (m.res_id & {BLOCK - 1})),
    array_agg(m.value) FILTER (WHERE m.is_fact AND m.metric = ANY(%(observed)s)),
    array_agg(m.value) FILTER (WHERE m.amount > 0 AND m.value IS NOT NULL),
    array_agg(m.value) FILTER (WHERE m.amount < 0 AND m.value IS NOT NULL),
    array_agg(m.res_id) FILTER (WHERE m.metric = ANY(%(distinct)s)),
    max(extract(epoch FROM m.made_at))::float8,
    coalesce(m.made_at > to_timestamp(CASE WHEN m.metric = ANY(%(shown)s) THEN %(as_of)s ELSE 0 END), false)
FROM (
    SELECT *, res_id IS NOT NULL AND sum(amount) OVER made > 0
        AND id = max(id) FILTER (WHERE amount > 0) OVER made AS is_fact
    FROM source WINDOW made AS (PARTITION BY metric, res_id, txid)
) AS m
GROUP BY 1, 2, 3, 4, 13
-- a series begins with a fact, or with an amount of 0: not with labels that a row had within a transaction only
HAVING bool_or(m.is_fact) OR sum(m.amount) != 0 OR bool_and(m.amount = 0)
ORDER BY min(m.id)
"""
MOVE = f"WITH source AS (DELETE FROM {ENTRY} WHERE metric = ANY(%(metrics)s) RETURNING *) {ADD_UP}"
"""Takes the entries of ``metrics`` off the ledger; ``observed`` are those of them that are histograms, ``distinct``
those that count distinct values. Entries that the published values did not include yet are grouped separately: for
the metrics ``shown``, those made after ``as_of`` (Unix seconds by the database's clock, or None); for other metrics,
all."""
LOOK = f"WITH source AS (SELECT * FROM {ENTRY} WHERE metric = ANY(%(metrics)s)) {ADD_UP}"
"""The same without deleting them."""


def starting(selection):
    """Return the statement that makes the series of the rows of ``selection`` (SQL) start at 0, the newest first."""
    return f"""
        INSERT INTO {ENTRY} (metric, res_id, labels, amount, value, at)
        SELECT metric, NULL, labels, 0, value, at
        FROM ({selection}) AS found (metric, res_id, labels, amount, value, at) ORDER BY res_id DESC
    """


class Totals:
    """The totals of a database in memory, and what entries add to them.

    :param dict metrics: {name: :class:`..metrics.catalogue.Metric`} of all that is counted
    :param rows: iterable of (metric, labels as JSON, sample, amount) of the table of totals
    :param dict limits: {label name: largest number of its values}, where it differs from the metric's
    :param bool admit: whether a label value that is new may take one of the places that are left; else it is left out,
        because only one process at a time can decide who gets the last one

    amounts: {metric: {(labels, sample): amount}}.
    changed, history, balance: what was added, by the keys of the tables.
    seen: {(metric, day): set of distinct values}.
    capped, lost: {label or metric: number of values that became 'other', or that could not be counted}.
    made_at: when the newest entry in them was made, Unix seconds by the database's clock.
    """

    def __init__(self, metrics, rows, limits, admit):
        self.admit, self.made_at = admit, 0.0
        self.metrics, self._limits = metrics, limits
        self.amounts = defaultdict(dict)
        self.clear_changes()
        self._admitted = defaultdict(set)
        for name, text, sample, amount in rows:
            labels = tuple(json.loads(text))
            if name in metrics and len(labels) != len(metrics[name].labels):
                continue
            if name in metrics and metrics[name].kind == "histogram" and sample not in ("", "sum"):
                # a bound that the catalogue no longer has is within the next one
                sample = bucket_of(metrics[name], float(sample))
            self.amounts[name][labels, sample] = self.amounts[name].get((labels, sample), 0.0) + amount
            if name in metrics:
                for label, value in zip(metrics[name].labels, labels, strict=True):
                    self._admitted[label.pool or label.name].add(value)

    def add(self, effects):
        """Add what entries amount to: rows of ``MOVE``, ``LOOK``, or an opening."""
        for name, text, block, at, facts, net, offsets, observed, plus, minus, identities, made_at, _later in effects:
            self.made_at = max(self.made_at, made_at)
            if identities:
                self.seen[name, at * min(STEPS) // 86_400].update(identities)
                continue
            metric, values = self.metrics[name], json.loads(text)
            if len(values) != len(metric.labels):
                # of a version of the addon in which the metric had other labels
                self.lost[name] += int(facts)
                continue
            labels = self._bounded(metric, values)
            if labels is None:
                continue
            self.increase(name, labels, "", int(facts))
            if block is not None and metric.is_audited:
                self.increase(name, labels, NET, int(net))
                self.balance[name, block][0] += int(net)
                self.balance[name, block][1] += int(offsets)
            for value in observed or ():
                self._observe(metric, labels, value)
            if at is not None:
                self._remember(metric, labels, at * min(STEPS), int(net), plus or (), minus or ())

    def clear_changes(self):
        """Reset what was added, because it is written or to be discarded."""
        self.changed, self.history = defaultdict(float), defaultdict(float)
        self.balance, self.seen = defaultdict(lambda: [0, 0]), defaultdict(set)
        self.capped, self.lost = defaultdict(int), defaultdict(int)

    def increase(self, name, labels, sample, amount):
        """Add ``amount`` to one total."""
        amounts = self.amounts[name]
        amounts[labels, sample] = amounts.get((labels, sample), 0.0) + amount
        self.changed[name, labels, sample] += amount

    def _observe(self, metric, labels, value):
        if value is None or not math.isfinite(value):
            self.lost[metric.name] += 1
            return
        self.increase(metric.name, labels, bucket_of(metric, value), 1)
        self.increase(metric.name, labels, "sum", value)

    def _remember(self, metric, labels, moment, net, plus, minus):
        plus, minus = (list(filter(math.isfinite, values)) for values in (plus, minus))
        samples = defaultdict(float)
        # a mean is over the values that there are
        samples[""] = len(plus) - len(minus) if metric.window else net
        for values, sign in ((plus, 1), (minus, -1)):
            for value in values:
                samples["sum"] += sign * value
                if metric.kind == "histogram":
                    samples[bucket_of(metric, value)] += sign
        for sample, amount in samples.items():
            self.remember(metric.name, labels, sample, moment, amount)

    def remember(self, name, labels, sample, moment, amount):
        """Add ``amount`` to what happened at ``moment`` (Unix seconds)."""
        for step in STEPS:
            self.history[name, step, int(moment // step), labels, sample] += amount

    def _bounded(self, metric, values):
        """Return ``values`` within the bounds of their labels, None if one of them is not admitted yet."""
        bounded = []
        for label, value in zip(metric.labels, values, strict=True):
            if label.values:
                bounded.append(value if value in label.values else OTHER)
                continue
            admitted = self._admitted[label.pool or label.name]
            if value not in admitted:
                if len(admitted - {OTHER}) >= self._limits.get(label.name, label.limit):
                    self.capped[label.pool or label.name] += 1
                    value = OTHER
                elif self.admit:
                    admitted.add(value)
                else:
                    return None
            bounded.append(value)
        return tuple(bounded)

    def series(self, metric):
        """Yield (labels, sample, amount) of the series of a counter, a histogram or a gauge of rows.

        Series whose labels are all known start at 0.
        """
        amounts = self.amounts.get(metric.name, {})
        samples = {"counter": ("",), "gauge": (NET,)}.get(metric.kind) or ("sum", *map(str, metric.bounds))
        series = {labels for labels, _sample in amounts}
        series.update(known_labels(metric))
        for labels in series:
            for sample in samples:
                yield labels, "" if sample == NET else sample, amounts.get((labels, sample), 0.0)


def bucket_of(metric, value):
    """Return the sample under which a histogram counts ``value``: the upper bound of its bucket as text."""
    upper = metric.bounds
    return str(upper[bisect_left(upper, value)])
