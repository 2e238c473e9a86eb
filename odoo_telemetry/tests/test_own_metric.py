import time
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..metrics import store
from ..metrics.own import Reading
from ..models import own_reading
from .own_case import define, errors, read, reader, values
from .settings_case import Published


class OwnMetricCase(Published, TransactionCase):
    def setUp(self):
        super().setUp()
        self.env = self.env(user=self.env.ref("base.user_admin"))
        reader(self.env, "base.group_user", "base.group_partner_manager")
        self.addCleanup(store.databases.publish_own, self.database, Reading())

    def countries(self):
        """Partners of their own: 3 in Belgium, 1 in France, 2 without a country; return a domain for them."""
        belgium, france = self.env.ref("base.be"), self.env.ref("base.fr")
        self.env["res.partner"].create(
            [
                {"name": "Own", "partner_latitude": 7, "country_id": country and country.id}
                for country in (belgium, belgium, belgium, france, None, None)
            ]
        )
        return "[('partner_latitude', '=', 7)]"

    def refused(self, message, *arguments, **values):
        with self.assertRaisesRegex(ValidationError, message), self.env.cr.savepoint():
            define(self.env, *arguments, **values)


@tagged("post_install", "-at_install")
class TestGauges(OwnMetricCase):
    def test_a_number_of_records_by_a_relation(self):
        define(self.env, "partners", "res.partner", ["country_id"], domain=self.countries())
        self.assertEqual(values(self.env, "odoo_custom_partners"), {("Belgium",): 3, ("France",): 1, ("none",): 2})

    def test_a_group_without_records_any_more_is_gone(self):
        define(self.env, "partners", "res.partner", ["country_id"], domain=self.countries())
        values(self.env, "odoo_custom_partners")
        self.env["res.partner"].search([("partner_latitude", "=", 7), ("country_id.code", "=", "FR")]).unlink()
        self.assertEqual(set(values(self.env, "odoo_custom_partners")), {("Belgium",), ("none",)})

    def test_states_without_records_are_zero(self):
        domain = self.countries()
        self.env["res.partner"].search([("partner_latitude", "=", 7)], limit=2).type = "invoice"
        define(self.env, "partners", "res.partner", ["type"], domain=domain)
        found = values(self.env, "odoo_custom_partners")
        self.assertEqual(
            {labels: number for labels, number in found.items() if number}, {("contact",): 4, ("invoice",): 2}
        )
        self.assertIn(("delivery",), found)

    def test_aggregates(self):
        domain = self.countries()
        for color, partner in enumerate(self.env["res.partner"].search([("partner_latitude", "=", 7)], order="id")):
            partner.color = color
        belgium, france, none = (0, 1, 2), (3,), (4, 5)
        metric = define(
            self.env, "colors", "res.partner", ["country_id"], domain=domain, aggregate="sum", value_field_id="color"
        )
        for aggregate, function in {
            "sum": sum,
            "min": min,
            "max": max,
            "avg": lambda colors: sum(colors) / len(colors),
        }.items():
            metric.aggregate = aggregate
            self.assertEqual(
                values(self.env, metric.series),
                {("Belgium",): function(belgium), ("France",): function(france), ("none",): function(none)},
            )

    def test_what_exceeds_a_limit_later_becomes_other_and_is_told(self):
        metric = define(self.env, "partners", "res.partner", [("country_id", 2)], domain=self.countries())
        self.env["res.partner"].create(
            [
                {"name": "Own", "partner_latitude": 7, "country_id": self.env.ref(country).id}
                for country in ("base.be", "base.de", "base.it")
            ]
        )
        self.assertEqual(values(self.env, "odoo_custom_partners"), {("Belgium",): 4, ("none",): 2, ("other",): 3})
        metric.invalidate_recordset()
        self.assertEqual(metric.last_folded, "country_id: 3")
        key = ("odoo_telemetry_labels_folded_total", None, ("odoo_custom_partners country_id",), "")
        self.assertGreaterEqual(store.reader.values()[0][key], 3)

    def test_a_mean_is_folded_by_weight(self):
        domain = self.countries()
        for color, partner in enumerate(self.env["res.partner"].search([("partner_latitude", "=", 7)], order="id")):
            partner.color = color
        metric = define(
            self.env, "colors", "res.partner", ["country_id"], domain=domain, aggregate="avg", value_field_id="color"
        )
        with patch.object(type(metric), "_measure", lambda metric: ""):
            metric.dimension_ids.limit = 1
        self.assertEqual(values(self.env, "odoo_custom_colors"), {("Belgium",): 1, ("other",): 4})

    def test_two_records_of_one_name_are_one_series(self):
        twins = self.env["res.country.state"].create(
            [{"name": "Twin", "code": code, "country_id": self.env.ref("base.be").id} for code in ("T1", "T2")]
        )
        twins.country_id = self.env.ref("base.be")
        groups = self.env["res.partner"].create(
            [{"name": "Own", "partner_latitude": 8, "state_id": twin.id} for twin in twins]
        )
        define(self.env, "twins", "res.partner", ["state_id"], domain="[('partner_latitude', '=', 8)]")
        self.assertEqual(sum(values(self.env, "odoo_custom_twins").values()), len(groups))


@tagged("post_install", "-at_install")
class TestCardinality(OwnMetricCase):
    def test_it_is_shown_before_saving(self):
        domain = self.countries()
        with self.assertRaises(ValidationError), Form(self.env["telemetry.own.metric"]) as form:
            form.name, form.meaning = "partners", "Partners."
            form.model_id = self.env["ir.model"]._get("res.partner")
            form.domain = domain
            self.assertIn("1 series now", form.cardinality)
            with form.dimension_ids.new() as line:
                line.field_id = self.env["ir.model.fields"]._get("res.partner", "country_id")
                self.assertEqual(line.label, "country_id")
            self.assertIn("3 series now, at most 21 (country_id: 2 / 20)", form.cardinality)
            with form.dimension_ids.edit(0) as line:
                line.limit = 1
            self.assertIn("country_id has 2 values, and its limit is 1: raise the limit", form.problem)

    def test_a_dimension_past_its_limit_is_refused(self):
        self.refused(
            "country_id has 2 values, and its limit is 1: raise the limit, narrow the domain",
            "partners",
            "res.partner",
            [("country_id", 1)],
            domain=self.countries(),
        )

    def test_too_many_series_are_refused(self):
        self.refused(
            "allow 1071 series, and 200 is the limit; country_id has the most, 50: lower its limit",
            "partners",
            "res.partner",
            [("country_id", 50), ("state_id", 20)],
            domain=self.countries(),
        )

    def test_dimensions_are_checked_when_they_change(self):
        metric = define(self.env, "partners", "res.partner", ["country_id"], domain=self.countries())
        with self.assertRaisesRegex(ValidationError, "its limit is 1"):
            metric.dimension_ids.limit = 1

    def test_an_archived_one_may_be_unfinished(self):
        define(self.env, "partners", "res.partner", [("country_id", 1)], domain=self.countries(), active=False)
        self.assertEqual(values(self.env, "odoo_custom_partners"), {})


@tagged("post_install", "-at_install")
class TestRefused(OwnMetricCase):
    def test_names(self):
        for name, part in {
            "Partners": "can't be a name",
            "1partner": "can't be a name",
            "a__b": "can't be a name",
            "a-b": "can't be",
            "partners_total": "leave it out",
            "wait_minutes": "base unit",
            "orders_count": "leave it out",
            "x" * 61: "at most",
            "partners\n": "can't be a name",
        }.items():
            self.refused(part, name, "res.partner")
        self.refused("end the name with _seconds", "waiting", "res.partner", unit="seconds")

    def test_a_name_is_there_once(self):
        define(self.env, "partners", "res.partner")
        with mute_logger("odoo.sql_db"), self.assertRaises(Exception) as caught, self.env.cr.savepoint():
            define(self.env, "partners", "res.country")
        self.assertIn("own_metric_name_unique", str(caught.exception))

    def test_labels(self):
        for label in ("le", "instance", "__name__", "Country", "a-b", "database"):
            with self.assertRaisesRegex(ValidationError, "can't be a label"), self.env.cr.savepoint():
                define(self.env, "partners", "res.partner", ["country_id"]).dimension_ids.label = label

    def test_models_that_hold_secrets(self):
        for model in ("ir.config_parameter", "res.users.apikeys", "ir.mail_server", "telemetry.audit"):
            self.refused("secrets|keeps no records", "secrets", model, user_id=self.env.user.id)
        self.refused("keeps no records", "nothing", "ir.qweb")

    def test_fields_that_hold_secrets(self):
        for domain in (
            "[('password', '=like', 'a%')]",
            "[('user_ids.password', '!=', False)]",
            "[('user_ids', 'any', [('password', '!=', False)])]",
            "[('signup_type', '!=', False)]",
        ):
            self.refused("private to some groups|no field", "secrets", "res.partner", domain=domain)
        self.refused("private", "secrets", "res.users", domain="[('api_key_ids.name', '!=', False)]")

    def test_dimensions_that_name_people(self):
        for model, field in (
            ("res.partner", "name"),
            ("res.partner", "email"),
            ("res.partner", "user_id"),
            ("res.partner", "create_uid"),
            ("res.users", "partner_id"),
            ("res.country", "code"),
            ("res.partner.bank", "acc_number"),
            ("ir.attachment", "name"),
            ("res.partner", "parent_id"),
            ("res.partner", "color"),
            ("res.partner", "create_date"),
            ("res.users", "company_ids"),
        ):
            kind = self.env[model]._fields[field].type
            self.refused(
                rf"{field} \({kind}.*\) can't be a label or a state: .* Choose a selection, a boolean, or a "
                "relation to one of: .*res.country",
                "people",
                model,
                [field],
                user_id=self.env.user.id,
            )

    def test_states_that_name_people(self):
        self.refused(
            "user_id .*can't be a label or a state",
            "assigned",
            "res.partner",
            kind="entered",
            state_field_id="user_id",
            state_value="2",
        )

    def test_domains_that_select_people_or_guess_texts(self):
        for domain in (
            "[('id', '=', 3)]",
            "[('email', '=', 'ada@example.com')]",
            "[('vat', '=like', 'DE1%')]",
            "[('user_id', '=', 2)]",
            "[('create_uid', 'in', [2])]",
            "[('user_ids.login', '!=', False)]",
            "[('bank_ids.acc_number', '=like', 'DE%')]",
            "[('parent_id.name', 'ilike', 'Ada')]",
            "[('user_ids', 'any', [('id', '=', 2)])]",
            "['|', ('active', '=', True), ('ref', '=', 'x')]",
            "[('company_id.email', '!=', 'x')]",
            "[('display_name', 'ilike', 'Ada')]",
            "[('category_id', 'ilike', 'Ada')]",
        ):
            self.refused(
                r"can't be in the domain: .*Filter by a selection|can't be measured",
                "people",
                "res.partner",
                domain=domain,
            )

    def test_domains_of_kinds_that_name_nobody(self):
        for number, domain in enumerate((
            "[('country_id.code', '=', 'BE')]", "[('country_id', '=', 20)]", "[('type', '=', 'contact')]",
            "[('is_company', '=', True)]", "[('color', '>', 2)]", "[('create_date', '>', '2020-01-01')]",
            "[('user_id', '=', False)]", "[('parent_id.country_id', '!=', False)]",
            "[('child_ids', 'any', [('active', '=', True)])]", "[('user_ids.company_ids', 'in', [1])]", "[(1, '=', 1)]",
        )):  # fmt: skip
            define(self.env, f"impersonal{number}", "res.partner", domain=domain, user_id=self.env.user.id)

    def test_a_definition_that_was_allowed_once_is_not_exported_and_says_why(self):
        with patch.object(type(self.env["telemetry.own.metric"]), "_check_impersonal", lambda *_: None):
            for name, kind in (("people", "gauge"), ("people_made", "created")):
                metric = define(self.env, name, "res.partner", [("name", 100)], kind=kind, domain=self.countries())
                self.assertTrue(values(self.env, metric.series) or kind == "created")
        before = errors()
        for metric in self.env["telemetry.own.metric"].search([("name", "like", "people")]):
            metric.invalidate_recordset()
            self.assertEqual(values(self.env, metric.series), {})
            self.assertRegex(metric.last_error, r"name \(char\) can't be a label")
            self.assertRegex(metric.problem, r"name \(char\) can't be a label")
        self.assertGreater(errors(), before)

    def test_code_in_a_domain(self):
        for domain in (
            "[('id', '=', __import__('os').getpid())]",
            "[('create_uid', '=', uid)]",
            "env['res.users'].search([])",
            "[('id', 'in', [x for x in range(9)])]",
            "1",
            "[(1,)]",
            "['x']",
            "[('id', '=', {'a': 1})]",
            "[('id', '= 1; DROP TABLE res_users; --', 1)]",
            "(" * 3000,
            "[('id;', '=', 1)]",
            "[('name', 'inselect', ('SELECT 1', []))]",
            "['&', ('id', '=', 1)]",
            "[('id', '=', 1)" + " " * 5000 + "]",
        ):
            with mute_logger("odoo.sql_db"):
                self.refused(
                    "no domain of constants|no field|can't be read|can't be in the domain",
                    "injected",
                    "res.partner",
                    domain=domain,
                )
        self.assertTrue(self.env["res.users"].search_count([]))

    def test_a_quote_in_a_domain_is_a_character(self):
        define(self.env, "quotes", "res.partner", domain="""[('type', '=', "x'; DELETE FROM res_partner; --")]""")
        self.assertEqual(values(self.env, "odoo_custom_quotes"), {(): 0})

    def test_aggregates_of_what_is_no_number(self):
        self.refused("stored number", "names", "res.partner", aggregate="sum", value_field_id="name")
        self.refused("stored number", "names", "res.partner", aggregate="avg")

    def test_states_that_there_are_not(self):
        self.refused(
            "use one of: contact", "partners", "res.partner", kind="entered", state_field_id="type", state_value="gone"
        )
        self.refused("Say which field", "partners", "res.partner", kind="entered")

    def test_the_superuser_reads_nothing(self):
        self.refused("may read everything", "partners", "res.partner", user_id=self.env.ref("base.user_root").id)


@tagged("post_install", "-at_install")
class TestReader(OwnMetricCase):
    def test_it_can_not_log_in_and_has_no_groups_of_its_own(self):
        user = self.env.ref("odoo_telemetry.own_metric_reader")
        self.assertFalse(user.active)
        self.env["telemetry.own.metric"]._make_reader()
        self.assertEqual(
            self.env["res.users"].with_context(active_test=False).search_count([("login", "=", user.login)]), 1
        )

    def test_what_it_may_not_read_is_refused_and_told(self):
        reader(self.env)
        self.refused("Telemetry reader may not read it: give the user a group", "partners", "res.partner")

    def test_it_sees_what_its_rules_let_it_see(self):
        domain = self.countries()
        define(self.env, "partners", "res.partner", domain=domain)
        self.env["ir.rule"].create(
            {
                "name": "Own",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": "[('country_id.code', '=', 'BE')]",
            }
        )
        self.assertEqual(values(self.env, "odoo_custom_partners"), {(): 3})

    def test_a_right_that_is_withdrawn_is_told_on_the_form_and_counted(self):
        metric = define(self.env, "partners", "res.partner", domain=self.countries())
        values(self.env, "odoo_custom_partners")
        before = errors()
        reader(self.env)
        own = read(self.env, "odoo_custom_partners")
        self.assertEqual(errors(), before + 1)
        self.assertIn("res.partner", own.error)
        metric.invalidate_recordset()
        self.assertEqual(metric.last_error, own.error)
        self.assertEqual(own.series, [[[], 6.0]])

    def test_others_may_not_define(self):
        metric = define(self.env, "partners", "res.partner")
        for groups in ("base.group_user", "base.group_erp_manager", "base.group_portal"):
            user = new_test_user(self.env, f"own_{groups}", groups=groups)
            for operation in (
                lambda user: define(self.env(user=user), "mine", "res.partner"),
                lambda user: metric.with_user(user).read(["name"]),
                lambda user: metric.with_user(user).write({"meaning": "Mine."}),
                lambda user: metric.with_user(user).unlink(),
                lambda user: metric.with_user(user).action_preview(),
            ):
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    operation(user)


@tagged("post_install", "-at_install")
class TestSlow(OwnMetricCase):
    """A query that is really slow: the model's table is replaced by one that sleeps for each row."""

    def slow(self):
        return patch.object(
            type(self.env["res.country.group"]),
            "_table_query",
            create=True,
            new="SELECT g.* FROM res_country_group g, LATERAL (SELECT pg_sleep(5 + g.id * 0)) slept",
        )

    def setUp(self):
        super().setUp()
        define(self.env, "groups", "res.country.group")
        define(self.env, "partners", "res.partner", domain=self.countries())
        self.assertTrue(values(self.env, "odoo_custom_groups")[()])

    def test_it_is_cut_off_and_told_and_the_others_are_read(self):
        self.env["res.partner"].search([("partner_latitude", "=", 7)], limit=1).unlink()
        before = errors()
        with self.slow(), mute_logger("odoo.sql_db"), patch.object(own_reading, "STATEMENT_SECONDS", 0.3):
            own = read(self.env, "odoo_custom_groups")
        self.assertRegex(own.error, "cut off after 0.[3-9] s")
        self.assertEqual(errors(), before + 1)
        self.assertEqual(store.databases.own(self.database).metrics["odoo_custom_partners"].series, [[[], 5]])
        metric = self.env["telemetry.own.metric"].search([("name", "=", "groups")])
        metric.invalidate_recordset()
        self.assertIn("cut off", metric.last_error)

    def test_it_is_left_alone_for_a_while(self):
        with self.slow(), mute_logger("odoo.sql_db"), patch.object(own_reading, "STATEMENT_SECONDS", 0.3):
            first = read(self.env, "odoo_custom_groups", rest=100)
            self.assertAlmostEqual(first.due_at - first.tried_at - first.seconds, 100 * first.seconds, 3)
            self.assertEqual(read(self.env, "odoo_custom_groups").tried_at, first.tried_at)

    def stamped(self, **later):
        """Publish the readings with the stamps of the metrics named so many seconds later."""
        reading = store.databases.own(self.database)
        for name, seconds in later.items():
            metric = reading.metrics[f"odoo_custom_{name}"]
            metric.tried_at, metric.read_at = metric.tried_at + seconds, metric.read_at + seconds
            metric.due_at += seconds
        store.databases.publish_own(self.database, reading)

    def test_what_is_due_longest_is_read_first(self):
        for first, second in (("groups", "partners"), ("partners", "groups")):
            self.stamped(**{first: -20, second: -10})
            read(self.env, "odoo_custom_groups")
            metrics = store.databases.own(self.database).metrics
            tried = [metrics[f"odoo_custom_{name}"].tried_at for name in (first, second)]
            self.assertLess(*tried)

    def test_what_was_read_in_the_future_is_read_now(self):
        self.stamped(groups=86_400)
        now = time.monotonic()
        own = read(self.env, "odoo_custom_groups")
        self.assertLess(own.read_at - now, 60)
        self.assertTrue(own.is_current(time.monotonic()))

    def test_the_form_shows_the_age_and_the_next_reading(self):
        metric = self.env["telemetry.own.metric"].search([("name", "=", "groups")])
        reading = store.databases.own(self.database)
        reading.metrics[metric.series].read_at -= 40
        reading.metrics[metric.series].due_at += 500
        store.databases.publish_own(self.database, reading)
        metric.invalidate_recordset()
        self.assertAlmostEqual(metric.last_age, 40, delta=20)
        self.assertAlmostEqual((metric.next_read - metric.last_read).total_seconds(), 500, delta=20)

    def test_the_preview_reads_at_once(self):
        read(self.env, "odoo_custom_partners", rest=1e6)
        self.env["res.partner"].search([("partner_latitude", "=", 7)], limit=1).unlink()
        action = self.env["telemetry.own.metric"].search([("name", "=", "partners")]).action_preview()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]).mapped("value"), [5])

    def test_all_together_have_a_budget(self):
        with patch.object(own_reading, "TOTAL_SECONDS", 0.0):
            self.assertIn("not read: all own metrics together took", read(self.env, "odoo_custom_partners").error)
        self.assertEqual(read(self.env, "odoo_custom_partners").error, "")

    def test_it_is_refused_when_it_is_saved(self):
        with self.slow(), mute_logger("odoo.sql_db"):
            self.refused("takes longer than 2 s: narrow the domain", "slow", "res.country.group")

    def test_the_reading_can_not_write(self):
        writing = patch.object(
            type(self.env["res.country.group"]),
            "_table_query",
            create=True,
            new="SELECT g.* FROM res_country_group g, LATERAL (SELECT nextval('res_partner_id_seq')) n",
        )
        with writing, mute_logger("odoo.sql_db"):
            self.assertIn("read-only transaction", read(self.env, "odoo_custom_groups").error)


@tagged("post_install", "-at_install")
class TestForm(OwnMetricCase):
    def test_preview(self):
        metric = define(self.env, "partners", "res.partner", ["country_id"], domain=self.countries())
        for _opened in range(2):
            action = metric.action_preview()
            rows = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(
                {row.labels: row.value for row in rows},
                {"country_id=Belgium": 3, "country_id=France": 1, "country_id=none": 2},
            )

    def test_a_copy_has_to_be_named(self):
        metric = define(self.env, "partners", "res.partner", ["country_id"])
        copied = metric.copy({"name": "others"})
        self.assertEqual(copied.dimension_ids.field_id, metric.dimension_ids.field_id)

    def test_the_menu_is_for_administrators(self):
        menu = self.env.ref("odoo_telemetry.menu_own_metrics")
        self.assertEqual(menu.action.res_model, "telemetry.own.metric")
        visible = (
            self.env["ir.ui.menu"]
            .with_user(new_test_user(self.env, "own_menu", groups="base.group_erp_manager"))
            ._visible_menu_ids()
        )
        self.assertNotIn(menu.id, visible)
