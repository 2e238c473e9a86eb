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


def _note(env, definition, ids):
    """Look at the records ``ids`` when the cursor is flushed next; forget them if it is cleared before."""
    if not ids:
        return
    hooks = env.cr.precommit
    if _KEY not in hooks.data:
        hooks.data[_KEY] = {}
        hooks.add(functools.partial(_settle, env(user=SUPERUSER_ID, context={})))
    hooks.data[_KEY].setdefault(definition, set()).update(ids)


def _settle(env):
    env.flush_all()
    for definition, ids in env.cr.precommit.data.pop(_KEY, {}).items():
        env["influencegen.telemetry.own.fact"]._count(definition, ids)
