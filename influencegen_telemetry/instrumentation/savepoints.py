"""Savepoints: what is rolled back to one is no fact, and was not looked at."""

import functools

from odoo import sql_db

from ..metrics import facts
from . import records
from .patch import Patch


def _marked(initialize):
    @functools.wraps(initialize)
    def __init__(self, cr):
        initialize(self, cr)
        if isinstance(cr, sql_db.BaseCursor):
            self.telemetry_facts = facts.journal_length(cr)
            self.telemetry_noted = records.noted(cr)

    return __init__


def _cut(rollback):
    @functools.wraps(rollback)
    def cut_rollback(self):
        rollback(self)
        if isinstance(self._cr, sql_db.BaseCursor):
            facts.cut_journal(self._cr, getattr(self, "telemetry_facts", 0))
            records.restore(self._cr, getattr(self, "telemetry_noted", None))

    return cut_rollback


_PATCHES = (
    Patch(sql_db.Savepoint, "__init__", _marked),
    Patch(sql_db.Savepoint, "rollback", _cut),
)


def install():
    """Let savepoints cut the journal of facts, and what is noted of records."""
    for patch in _PATCHES:
        patch.install()


def uninstall():
    """Let them alone."""
    for patch in _PATCHES:
        patch.uninstall()
