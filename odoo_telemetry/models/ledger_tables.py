"""The tables of the ledger as models, which have no records of their own.

OCA's ``database_cleanup`` and other tools consider tables without a model orphaned.
"""

from odoo import models


class Entry(models.AbstractModel):
    _name = "telemetry.entry"
    _description = "Telemetry's ledger: entries"


class Total(models.AbstractModel):
    _name = "telemetry.total"
    _description = "Telemetry's ledger: totals"


class Balance(models.AbstractModel):
    _name = "telemetry.balance"
    _description = "Telemetry's ledger: balances"


class History(models.AbstractModel):
    _name = "telemetry.history"
    _description = "Telemetry's ledger: history"


class Login(models.AbstractModel):
    _name = "telemetry.login"
    _description = "Telemetry's ledger: users of a day"


class Lock(models.AbstractModel):
    _name = "telemetry.lock"
    _description = "Telemetry's ledger: lock"
