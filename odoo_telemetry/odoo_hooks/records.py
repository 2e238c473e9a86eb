"""Records for custom counters: collected when they are written, evaluated when the cursor is flushed.

Only the classes of models that somebody measures are wrapped; all others stay as they are. A class is wrapped where
the statements are made (``_create``, ``_write_multi``), below what any override or computation does.
"""

import functools
import inspect

from odoo import SUPERUSER_ID
from odoo.tools import SQL

from . import skipped
from .probe import check_call, find

_KEY = "odoo_telemetry.records"
_MODEL = "telemetry.own.note"


def watch(registry, definitions):
    """Count by ``definitions`` in this process from now on, and by no others.

    A record is a candidate when its row is inserted, or when its state becomes what the definition counts; and again
    when the same transaction writes to it later.

    :param registry: of the database
    :param definitions: iterable of :class:`..models.custom_query.Definition` of counters
    """
    if "records" in skipped.names():
        return
    measured = {}
    for definition in definitions:
        measured.setdefault(definition.model, []).append(definition)
    registry.telemetry_measured = measured
    for model in measured:
        _wrap(registry[model])


def install():
    """Find out whether this Odoo writes records as the wrappers expect; classes are wrapped by :func:`watch`."""
    for place in ("odoo.models:BaseModel._create", "odoo.models:BaseModel._write_multi"):
        check_call(place, inspect.signature(find(place)), None, [])


def uninstall():
    """Do nothing: a wrapped class looks up what is measured with each call."""


def _wrap(model):
    if hasattr(model._create, "telemetry_original"):
        return

    @functools.wraps(model._create)
    def _create(self, data_list):
        records = _create.telemetry_original(self, data_list)
        definitions = self.pool.telemetry_measured.get(self._name, ())
        _note(self.env, dict.fromkeys(definitions, records._ids))
        return records

    @functools.wraps(model._write_multi)
    def _write_multi(self, vals_list):
        candidates = {
            definition: _candidates(self, vals_list, definition)
            for definition in self.pool.telemetry_measured.get(self._name, ())
        }
        done = _write_multi.telemetry_original(self, vals_list)
        _note(self.env, candidates)
        return done

    for function in (_create, _write_multi):
        function.telemetry_original = getattr(model, function.__name__)
        setattr(model, function.__name__, function)


def _candidates(records, vals_list, definition):
    """Return the ids of those ``records`` to look at once ``vals_list`` is written.

    These are the ones noted already, and those that enter the definition's state.
    """
    noted = _noted(records.env.cr).get(definition, frozenset())
    return noted.intersection(records._ids).union(_arriving(records, vals_list, definition))


def _arriving(records, vals_list, definition):
    """Return the ids of those ``records`` that ``vals_list`` brings into the definition's state."""
    state, target = definition.state, definition.target
    written = [
        record_id
        for record_id, vals in zip(records._ids, vals_list, strict=True)
        if state and state in vals and vals[state] == target
    ]
    if not written:
        return ()
    records.env.cr.execute(
        SQL(
            "SELECT id FROM %s WHERE id = ANY(%s) AND %s IS DISTINCT FROM %s",
            SQL.identifier(records._table),
            written,
            SQL.identifier(state),
            target,
        )
    )
    return [record_id for (record_id,) in records.env.cr.fetchall()]


def _noted(cr):
    """Return {definition: set of ids} of what the transaction of ``cr`` has noted so far.

    It outlives a flush, unlike the data of the precommit hooks, and ends with the transaction. It may
    contain ids that a savepoint rolled back, which is harmless because ids are not reused.
    """
    return cr.postcommit.data.setdefault(_KEY, {})


def _note(env, candidates):
    """Note {definition: ids} in the database, and have them looked at when the cursor is flushed next."""
    candidates = {definition: ids for definition, ids in candidates.items() if ids}
    if not candidates:
        return
    env = env(user=SUPERUSER_ID, context={})
    env[_MODEL]._note(candidates)
    noted = _noted(env.cr)
    for definition, ids in candidates.items():
        noted.setdefault(definition, set()).update(ids)
    hooks = env.cr.precommit
    if _KEY not in hooks.data:
        hooks.data[_KEY] = True

        @hooks.add
        def look():
            env.flush_all()
            # what is noted from here on is looked at by another run
            hooks.data.pop(_KEY, None)
            env[_MODEL]._look(list(noted))
