from pathlib import Path

from odoo.modules import get_module_path
from odoo.modules.migration import load_script

from odoo.addons.odoo_telemetry.tests.custom_case import ENTERED, CustomCounterCase


class TestMigration(CustomCounterCase):
    def test_what_was_counted_before_goes_on(self):
        self.define("closed", "res.partner", kind="created")
        self.define("made", "res.partner", [("country_id", 2)], kind="created")
        be, fr, de = (self.registry_id(f"base.{code}") for code in ("be", "fr", "de"))
        with self.environment() as env:
            metrics = {metric.name: metric for metric in env["telemetry.own.metric"].search([])}
            env.cr.execute(
                "CREATE TABLE telemetry_own_fact"
                " (id serial, metric_id integer, revision integer, labels varchar, amount integer)"
            )
            env.cr.execute_values(
                "INSERT INTO telemetry_own_fact (metric_id, revision, labels, amount) VALUES %s",
                [
                    (metrics[name].id, metrics[name].revision + off, labels, amount)
                    for name, off, labels, amount in (
                        ("closed", 0, "[]", 2),
                        ("closed", 0, "[]", 3),
                        ("closed", 0, None, 4),
                        ("closed", -1, "[]", 100),
                        ("made", 0, f"[{be}]", 1),
                        ("made", 0, f"[{fr}]", 2),
                        ("made", 0, f"[{de}]", 5),
                        ("made", 0, "[]", 7),
                    )
                ],
            )
            folder = Path(get_module_path("influencegen_telemetry")) / "migrations" / "1.1.0"
            load_script(str(folder / "post-own_counters.py"), "own_counters").migrate(env.cr, "1.0.0")
        self.assertEqual(self.counted(), {("Belgium",): 1, ("France",): 2, ("other",): 5})
        self.assertEqual(self.counted(ENTERED), {(): 5})
        with self.environment() as env:
            [closed] = env["telemetry.own.metric"].search([("name", "=", "closed")])
            self.assertEqual(closed.last_lost, 4)
            env.cr.execute("SELECT to_regclass('telemetry_own_fact')")
            self.assertEqual(env.cr.fetchall(), [(None,)])

    def registry_id(self, name):
        with self.environment() as env:
            return env.ref(name).id
