"""Records that own counters count: noted as they are written to the database, counted when the cursor is flushed.

Only the classes of models that somebody measures are wrapped; all others stay as they are. A class is wrapped where
the statements are made (``_create``, ``_write_multi``), below what any override or computation does.
"""

import functools

from odoo import SUPERUSER_ID
from odoo.tools import SQL

_KEY = "influencegen_telemetry.records"


def watch(registry, definitions):
    """Count by ``definitions`` in this process from now on, and by no others.

    A record is a candidate when its row is inserted, or when its state becomes what the definition counts; the model
    ``influencegen.telemetry.own.fact`` is then asked to count the facts among the candidates.

    :param registry: of the database
    :param definitions: iterable of :class:`..models.own_query.Definition` of counters
    """
    measured = {}
    for definition in definitions:
        measured.setdefault(definition.model, []).append(definition)
    registry.telemetry_measured = measured
    for model in measured:
        _wrap(registry[model])


def _wrap(model):
    if hasattr(model._create, "telemetry_original"):
        return

    @functools.wraps(model._create)
    def _create(self, data_list):
        records = _create.telemetry_original(self, data_list)
        for definition in self.pool.telemetry_measured.get(self._name, ()):
            _note(self.env, definition, records._ids)
        return records

    @functools.wraps(model._write_multi)
    def _write_multi(self, vals_list):
        for definition in self.pool.telemetry_measured.get(self._name, ()):
            if definition.state:
                _note(self.env, definition, _arriving(self, vals_list, definition))
        return _write_multi.telemetry_original(self, vals_list)

    for function in (_create, _write_multi):
        function.telemetry_original = getattr(model, function.__name__)
        setattr(model, function.__name__, function)


def _arriving(records, vals_list, definition):
    """Return the ids of those ``records`` that ``vals_list`` brings into the definition's state."""
    state, target = definition.state, definition.target
    written = [
        record_id
        for record_id, vals in zip(records._ids, vals_list, strict=True)
        if state in vals and vals[state] == target
    ]
    if not written:
        return ()
    records.env.cr.execute(SQL(
        "SELECT id FROM %s WHERE id = ANY(%s) AND %s IS DISTINCT FROM %s",
        SQL.identifier(records._table), written, SQL.identifier(state), target,
    ))
    return [record_id for (record_id,) in records.env.cr.fetchall()]


class _Notes:
    """The records that one transaction has to look at: ``ids`` is {definition: set of ids}."""

    def __init__(self, env, ids=None):
        self._env = env
        self.ids = ids or {}

    def copy(self):
        return _Notes(self._env, {definition: set(ids) for definition, ids in self.ids.items()})

    def keep(self):
        """Have the records looked at when the cursor is flushed next, unless it is cleared before."""
        hooks = self._env.cr.precommit
        if _KEY not in hooks.data:
            hooks.add(self._settle)
        hooks.data[_KEY] = self

    def _settle(self):
        self._env.flush_all()
        notes = self._env.cr.precommit.data.pop(_KEY, None)
        for definition, ids in notes.ids.items() if notes else ():
            self._env["influencegen.telemetry.own.fact"]._count(definition, ids)


def _note(env, definition, ids):
    if ids:
        notes = env.cr.precommit.data.get(_KEY) or _Notes(env(user=SUPERUSER_ID, context={}))
        notes.ids.setdefault(definition, set()).update(ids)
        notes.keep()


def noted(cr):
    """Return what is noted on the cursor ``cr`` now, to be given to :func:`restore`."""
    notes = cr.precommit.data.get(_KEY)
    return notes and notes.copy()


def restore(cr, notes):
    """Make ``notes`` all that is noted on ``cr``: it was rolled back to where they were taken."""
    cr.precommit.data.pop(_KEY, None)
    if notes:
        notes.copy().keep()
