"""What the tests of custom metrics share."""

import random
from unittest.mock import patch

from odoo.tools import SQL

from ..compat import USER_GROUPS
from ..metrics import facts, store
from ..metrics.custom import Reading
from ..models import custom_reading
from ..models.custom_note import NOTE
from .common import RealTransactionCase

CREATED, ENTERED = "odoo_custom_made_total", "odoo_custom_closed_total"


def reader(env, *groups):
    """Return the telemetry reader, with the groups of these external ids and no others."""
    user = env.ref("odoo_telemetry.own_metric_reader")
    user[USER_GROUPS] = [(6, 0, [env.ref(group).id for group in groups])]
    return user


def define(env, name, model, dimensions=(), **values):
    """Create a custom metric of ``model`` (str); each dimension is a field's name, or (name, limit)."""
    fields = env["ir.model.fields"]
    lines = [dimension if isinstance(dimension, tuple) else (dimension, 0) for dimension in dimensions]
    return env["telemetry.own.metric"].create(
        {
            "name": name,
            "meaning": values.pop("meaning", "Records of a test."),
            "model_id": env["ir.model"]._get(model).id,
            "dimension_ids": [
                (0, 0, {"field_id": fields._get(model, field).id, "limit": limit}) for field, limit in lines
            ],
            **{
                key: fields._get(model, value).id if key in ("value_field_id", "state_field_id") else value
                for key, value in values.items()
            },
        }
    )


def read(env, series, rest=0):
    """Read the custom metrics on the cursor of ``env``; return the :class:`CustomMetric` of ``series``, or None.

    :param rest: pause after the reading, as a multiple of its duration
    """
    facts.publish(env.cr.dbname, *env["telemetry.reading"]._read_facts()[0])
    with patch.object(custom_reading, "PAUSE_FACTOR", rest):
        env["telemetry.own.reading"]._read_database()
    return store.databases.custom(env.cr.dbname).metrics.get(series)


def values(env, series):
    """Read the custom metrics on the cursor of ``env``; return {label values: value} of ``series``."""
    custom = read(env, series)
    if custom and custom.kind == "counter":
        return {labels: value for (_n, _d, labels, _s), value in facts.custom_values(env.cr.dbname, [custom]).items()}
    return {tuple(labels): value for labels, value in custom.series} if custom else {}


def errors():
    """Return how many failures of custom metrics were counted."""
    return store.reader.values()[0].get(("odoo_telemetry_errors_total", None, ("custom_metric",), ""), 0)


class CustomCounterCase(RealTransactionCase):
    """Tests of custom counters of partners, which are deleted after the test."""

    def setUp(self):
        super().setUp()
        self.mark = random.randrange(100, 900)
        self.domain = f"[('partner_latitude', '=', {self.mark})]"
        self.addCleanup(self.forget)
        with self.environment() as env:
            reader(env, "base.group_user", "base.group_partner_manager")

    def forget(self):
        with self.environment() as env:
            env["telemetry.own.metric"].with_context(active_test=False).search([]).unlink()
            reader(env)
        self.registry.reset_changes()
        store.databases.publish_custom(self.database, Reading())

    def define(self, *arguments, **keywords):
        with self.environment() as env:
            return define(env, *arguments, **keywords).id

    def partners(self, env, number=1, **vals):
        return self.delete_later(
            env["res.partner"].create([{"name": "Own", "partner_latitude": self.mark, **vals}] * number)
        )

    def counted(self, series=CREATED):
        with self.environment() as env:
            return values(env, series)

    def amounts(self, table):
        """Return the amounts of the custom counters in a table of the ledger."""
        with self.cursor() as cr:
            cr.execute(
                SQL(
                    "SELECT amount FROM %s WHERE starts_with(metric, 'odoo_custom_') ORDER BY amount",
                    SQL.identifier(table),
                )
            )
            return [amount for (amount,) in cr.fetchall()]

    def notes(self):
        """Return how many notes are committed."""
        with self.cursor() as cr:
            cr.execute(SQL("SELECT count(*) FROM %s", SQL.identifier(NOTE)))
            return cr.fetchone()[0]

    def assertExact(self, number):
        """Assert that there are ``number`` rows, and that the counter says so with nothing left to look at."""
        self.assertEqual(self.notes(), 0)
        self.assertEqual((self.counted()[()], self.rows()), (number, number))

    def rows(self, domain=()):
        with self.environment() as env:
            return (
                env["res.partner"]
                .with_context(active_test=False)
                .search_count([("partner_latitude", "=", self.mark), *domain])
            )
