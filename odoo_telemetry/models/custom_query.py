"""How a custom metric reads the database: as a limited user, in limited time, leaving nothing behind.

A definition is read the same way for its preview, for its values, and for the records that a transaction created or
changed.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import product
from operator import add

from odoo import models
from odoo.tools import SQL

from ..metrics.catalogue import Label, Metric
from ..metrics.labels import OTHER
from ..metrics.lines import INFINITY, bound_text

STATEMENT_SECONDS = 2.0
"""Longest time of a statement that reads a custom metric."""
LARGEST_READING = 5_000
"""Maximum number of groups that a metric's records may fall into, before capping; a metric with more fails."""
NONE = "none"
"""The value of a label whose field is empty."""
_LONGEST_VALUE = 100
"""Characters of a label's value; a longer one is capped."""

# What is read for an aggregate, and how two results of it become one, so that groups can be capped.
_AGGREGATES = {
    "count": (("__count",), lambda first, second: (first[0] + second[0],)),
    "sum": (("{}:sum",), lambda first, second: (first[0] + second[0],)),
    "avg": (("{}:sum", "{}:count"), lambda first, second: (first[0] + second[0], first[1] + second[1])),
    "min": (("{}:min",), lambda first, second: (min(first[0], second[0]),)),
    "max": (("{}:max",), lambda first, second: (max(first[0], second[0]),)),
    "age_oldest": (("{}:min",), lambda first, second: (max(first[0], second[0]),)),
    "age_newest": (("{}:max",), lambda first, second: (min(first[0], second[0]),)),
    "histogram": ((), lambda first, second: tuple(map(add, first, second))),
}


class TooManyGroups(Exception):
    """The records have more combinations of label values than are read."""


@dataclass(frozen=True)
class Dimension:
    """A label of a custom metric: ``field`` is what its values are read from.

    limit: number of its values; others become 'other'.
    values: all values, if they are few and known ('none' among them if a selection may be empty), else empty.
    raw: the same as the database has them.
    """

    field: str
    label: str
    limit: int
    values: tuple = ()
    raw: tuple = ()


@dataclass(frozen=True, eq=False)
class Definition:
    """One custom metric, as its administrator defined it.

    id, revision: of its record; the revision goes up when what it counts changes.
    name, kind, help, unit: as of :class:`..metrics.custom.CustomMetric`; kind is 'gauge', 'created' or 'entered'.
    aggregate, value: of a gauge: 'count', or 'sum', 'avg', 'min', 'max' or 'histogram' of the number ``value``; or
        'age_oldest' or 'age_newest' of the date ``value``, in seconds.
    buckets: of a histogram, the upper bounds of its buckets, without the infinite one.
    state, target: of the kind 'entered': the field, and its database value in the state that records enter.
    uid: the user that it is read as.
    """

    id: int
    revision: int
    name: str
    kind: str
    help: str
    unit: str
    model: str
    domain: tuple
    uid: int
    dimensions: tuple = ()
    aggregate: str = "count"
    value: str = ""
    state: str = ""
    target: object = None
    buckets: tuple = ()

    @property
    def labels(self):
        """The names of the labels (list of str)."""
        return [*(dimension.label for dimension in self.dimensions), *(["le"] if self.buckets else [])]

    @property
    def is_age(self):
        """Whether it measures ages."""
        return self.aggregate in ("age_oldest", "age_newest")

    @property
    def ledger(self):
        """The name of the counter in the ledger."""
        return ledger_name(self.name, self.labels)

    @property
    def target_text(self):
        """The database value of the state that records enter, as PostgreSQL writes it; '' if there is none."""
        if isinstance(self.target, bool):
            return "true" if self.target else "false"
        return "" if self.target is None else str(self.target)

    def counted(self):
        """Return the :class:`..metrics.catalogue.Metric` of a counter as the ledger has it: with raw label values."""
        labels = (
            Label(f"{self.name} {dimension.label}", dimension.raw, dimension.limit) for dimension in self.dimensions
        )
        return Metric(self.ledger, "counter", self.help, tuple(labels))

    def facts(self, env, ids):
        """Return {raw label values: list of ids} of those records among ``ids`` that a counter counts, as they are.

        Parameters and errors are as for :meth:`groups`.
        """
        fields = [dimension.field for dimension in self.dimensions]
        found = self._model(env)._read_group(self._conditions(ids), fields, ["id:array_agg"])
        return {tuple(map(_raw, row[:-1])): row[-1] for row in found}

    def groups(self, env):
        """Return {raw label values: partial aggregate} of the records, as the definition's user may see them.

        :param env: an environment on the cursor to read with
        :raises TooManyGroups: when there are more than ``LARGEST_READING``
        :raises odoo.exceptions.AccessError: when the user may not read it
        """
        fields = [dimension.field for dimension in self.dimensions]
        if self.buckets:
            found = self._cumulated(self._model(env), fields)
        else:
            aggregates = [aggregate.format(self.value) for aggregate in _AGGREGATES[self.aggregate][0]]
            found = self._model(env)._read_group(self._conditions(), fields, aggregates, limit=LARGEST_READING + 1)
        if len(found) > LARGEST_READING:
            raise TooManyGroups(
                env._("its labels have more than %(most)d combinations of values", most=LARGEST_READING)
            )
        partials = {tuple(map(_raw, row[: len(fields)])): row[len(fields) :] for row in found}
        if self.is_age:
            now = datetime.now(UTC).replace(tzinfo=None)
            return {raw: (_age(moment, now),) for raw, (moment,) in partials.items() if moment}
        return {raw: tuple(number or 0 for number in partial) for raw, partial in partials.items()}

    def _cumulated(self, model, fields):
        """Return rows of values of ``fields`` and of the number of records up to each bound, the infinite one last.

        One pass over the records, as ``_read_group`` makes it; it knows no buckets.
        """
        query = model._search(self._conditions())
        query.limit = LARGEST_READING + 1
        groups = [model._field_to_sql(model._table, field, query) for field in fields]
        value = model._field_to_sql(model._table, self.value, query)
        numbers = [SQL("count(*) FILTER (WHERE %s <= %s)", value, bound) for bound in self.buckets]
        query.groupby = SQL(", ").join(groups) if groups else None
        return model.env.execute_query(query.select(*groups, *numbers, SQL("count(%s)", value)))

    def cardinality(self, env):
        """Return {label: number of values that its field has now}; parameters and errors as for :meth:`groups`."""
        if not self.dimensions:
            return {}
        distinct = [f"{dimension.field}:count_distinct" for dimension in self.dimensions]
        [numbers] = self._model(env)._read_group(self._conditions(), [], distinct)
        return {dimension.label: number for dimension, number in zip(self.dimensions, numbers, strict=True)}

    def series(self, env, groups):
        """Return ([(label values, value)], {label: number of values aggregated as 'other'}) of ``groups``.

        :param env: as for :meth:`groups`
        :param groups: {raw label values: partial aggregate}; where a label exceeds its limit, the first values are kept
        """
        merge = _AGGREGATES[self.aggregate][1]
        named, capped = self._names(env, groups)
        merged = {}
        if all(dimension.values for dimension in self.dimensions) and self.aggregate in ("count", "sum", "histogram"):
            nothing = (0,) * (len(self.buckets) + 1)
            merged = dict.fromkeys(product(*(dimension.values for dimension in self.dimensions)), nothing)
        for raw, partial in groups.items():
            labels = tuple(names[value] for names, value in zip(named, raw, strict=True))
            merged[labels] = merge(merged[labels], partial) if labels in merged else partial
        if self.aggregate == "avg":
            return [(labels, total / count) for labels, (total, count) in merged.items() if count], capped
        if self.buckets:
            bounds = [bound_text(bound) for bound in (*self.buckets, INFINITY)]
            return [
                ((*labels, bound), float(number))
                for labels, numbers in merged.items()
                for bound, number in zip(bounds, numbers, strict=True)
            ], capped
        return [(labels, float(number)) for labels, (number,) in merged.items()], capped

    def texts(self, env, raws):
        """Return [{raw value: label value}] for each dimension of ``raws``, an iterable of raw label values."""
        model, raws, texts = self._model(env), list(raws), []
        for position, dimension in enumerate(self.dimensions):
            values = {*dimension.raw, *(raw[position] for raw in raws)} - {OTHER}
            named = _texts(model, dimension.field, values)
            texts.append({value: text if len(text) <= _LONGEST_VALUE else OTHER for value, text in named.items()})
            texts[-1][OTHER] = OTHER
        return texts

    def by_size(self, groups):
        """Return ``groups`` with those first that are worth most: the ones to keep when a limit is exceeded."""
        return dict(sorted(groups.items(), key=lambda item: (-item[1][-1], repr(item[0]))))

    def _conditions(self, ids=None):
        domain = list(self.domain)
        if self.state:
            domain.append((self.state, "=", self.target))
        if ids is not None:
            domain.append(("id", "in", list(ids)))
        return domain

    def _model(self, env):
        user = env["res.users"].sudo().browse(self.uid)
        context = {"allowed_company_ids": user.company_ids.ids, "active_test": self.kind == "gauge"}
        return env(user=self.uid, su=False, context=context)[self.model]

    def _names(self, env, groups):
        """Return [{raw value: label value}] for each dimension, and {label: number of values capped}."""
        model, named, capped = self._model(env), [], {}
        for position, dimension in enumerate(self.dimensions):
            values = list(dict.fromkeys(raw[position] for raw in groups))
            texts = _texts(model, dimension.field, values)
            kept = set(dimension.values)
            for text in texts.values():
                if len(kept) < dimension.limit and len(text) <= _LONGEST_VALUE:
                    kept.add(text)
            named.append({value: text if text in kept else OTHER for value, text in texts.items()})
            if lost := len(set(texts.values()) - kept):
                capped[dimension.label] = lost
        return named, capped


def ledger_name(series, labels):
    """Return the name in the ledger of the counter ``series`` (str) with ``labels`` (list of str).

    A counter whose labels change is another one.
    """
    return f"{series}{{{','.join(labels)}}}" if labels else series


def series_name(name):
    """Return the name (str) of the series of the counter that is ``name`` in the ledger."""
    return name.partition("{")[0]


def _raw(value):
    return value.id if isinstance(value, models.BaseModel) else value


def _age(moment, now):
    """Return the seconds from ``moment`` (datetime, or a date for its midnight; both UTC) to ``now`` (datetime)."""
    return (now - (moment if isinstance(moment, datetime) else datetime.combine(moment, time()))).total_seconds()


def _texts(model, field, values):
    """Return {value: its text as a label}: the name of a record, the key of a selection, 'true' or 'false'."""
    kind = model._fields[field].type
    if kind == "boolean":
        return {value: "true" if value else "false" for value in values}
    if kind == "many2one":
        records = model[field].browse(filter(None, values))
        names = {record.id: record.display_name or NONE for record in records.exists()}
        return {value: names.get(value, f"#{value}") if value else NONE for value in values}
    return {value: str(value) if value else NONE for value in values}


@contextmanager
def limited(env, seconds=STATEMENT_SECONDS):
    """Let each statement within the block take ``seconds`` at most, and write nothing; undo what it set.

    What waits to be written is written before.
    """
    env.flush_all()
    savepoint = env.cr.savepoint(flush=False)
    try:
        env.cr.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('transaction_read_only', 'on', true)",
            [str(max(1, int(seconds * 1000)))],
        )
        yield
    finally:
        savepoint.close(rollback=True)
