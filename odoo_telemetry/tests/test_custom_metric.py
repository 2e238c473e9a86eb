import time
from datetime import datetime, timedelta
from functools import partial
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..metrics import store
from ..metrics.custom import Reading
from ..models import custom_reading
from .custom_case import define, errors, read, reader, values
from .settings_case import Published


class CustomMetricCase(Published, TransactionCase):
    def setUp(self):
        super().setUp()
        self.env = self.env(user=self.env.ref("base.user_admin"))
        reader(self.env, "base.group_user", "base.group_partner_manager")
        self.addCleanup(store.databases.publish_custom, self.database, Reading())

    def countries(self):
        """Create partners, 3 in Belgium, 1 in France, 2 without a country; return a domain for them."""
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
class TestLabels(TransactionCase):
    def test_no_two_fields_of_a_model_have_the_same_label(self):
        for name in [name for name in self.registry if name.startswith("telemetry.")]:
            labels = [field["string"] for field in self.env[name].fields_get(attributes=["string"]).values()]
            self.assertEqual(sorted(labels), sorted(set(labels)), name)


@tagged("post_install", "-at_install")
class TestGauges(CustomMetricCase):
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

    def test_what_exceeds_a_limit_later_becomes_other_and_is_reported(self):
        metric = define(self.env, "partners", "res.partner", [("country_id", 2)], domain=self.countries())
        self.env["res.partner"].create(
            [
                {"name": "Own", "partner_latitude": 7, "country_id": self.env.ref(country).id}
                for country in ("base.be", "base.de", "base.it")
            ]
        )
        self.assertEqual(values(self.env, "odoo_custom_partners"), {("Belgium",): 4, ("none",): 2, ("other",): 3})
        metric.invalidate_recordset()
        self.assertEqual(metric.last_capped, "country_id: 3")
        key = ("odoo_telemetry_labels_folded_total", None, ("odoo_custom_partners country_id",), "")
        self.assertGreaterEqual(store.reader.values()[0][key], 3)

    def test_the_mean_of_other_is_weighted(self):
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
class TestAges(CustomMetricCase):
    """Crons stand for waiting jobs: ``nextcall`` is a moment, and ``lastcall`` may be empty."""

    def setUp(self):
        super().setUp()
        reader(self.env, "base.group_system")
        model = self.env["ir.model"]._get("res.partner").id
        crons = [
            {"name": "Own", "model_id": model, "user_id": self.env.user.id, "priority": 77, "interval_type": kind,
             "nextcall": datetime.now() - timedelta(seconds=seconds)}
            for kind, seconds in (("days", 100), ("days", 5000), ("weeks", 30), ("weeks", 60))
        ]  # fmt: skip
        self.crons = self.env["ir.cron"].create(crons)

    def age(self, name="waiting_seconds", dimensions=(), **values):
        values = {"aggregate": "age_oldest", "value_field_id": "nextcall", **values}
        return define(self.env, name, "ir.cron", dimensions, domain="[('priority', '=', 77)]", **values)

    def test_oldest_and_newest_by_a_dimension(self):
        self.age(dimensions=["interval_type"])
        self.age("newest_seconds", aggregate="age_newest")
        found = values(self.env, "odoo_custom_waiting_seconds")
        self.assertEqual(set(found), {("days",), ("weeks",)})
        self.assertAlmostEqual(found["days",], 5000, delta=30)
        self.assertAlmostEqual(found["weeks",], 60, delta=30)
        self.assertAlmostEqual(values(self.env, "odoo_custom_newest_seconds")[()], 30, delta=30)

    def test_it_grows_after_the_reading(self):
        self.age()
        custom = read(self.env, "odoo_custom_waiting_seconds")
        [before], [after] = custom.shown(custom.read_at).values(), custom.shown(custom.read_at + 40).values()
        self.assertAlmostEqual(after - before, 40)

    def test_without_a_date_there_is_no_age(self):
        self.age(value_field_id="lastcall")
        self.assertEqual(values(self.env, "odoo_custom_waiting_seconds"), {})

    def test_only_a_stored_date_has_an_age(self):
        refuse = partial(self.refused, model="ir.cron", aggregate="age_oldest")
        refuse("Choose a stored date to measure the age of", name="waiting_seconds")
        refuse("Choose a stored date to measure the age of", name="waiting_seconds", value_field_id="priority")
        refuse("waiting is in seconds: end the name with _seconds", name="waiting", value_field_id="nextcall")


@tagged("post_install", "-at_install")
class TestHistograms(CustomMetricCase):
    def histogram(self, dimensions=(), **keywords):
        given = {"aggregate": "histogram", "value_field_id": "color", "buckets": "1, 3,10", **keywords}
        return define(self.env, "colors", "res.partner", dimensions, **given)

    def colored(self):
        domain = self.countries()
        for color, partner in enumerate(self.env["res.partner"].search([("partner_latitude", "=", 7)], order="id")):
            partner.color = color
        return domain

    def test_records_up_to_each_bound(self):
        metric = self.histogram(domain=self.colored())
        self.assertEqual(metric.series, "odoo_custom_colors_bucket")
        self.assertEqual(values(self.env, metric.series), {("1.0",): 2, ("3.0",): 4, ("10.0",): 6, ("+Inf",): 6})
        self.assertIn("4 series now, at most 4", metric.cardinality)

    def test_by_a_dimension_of_which_some_are_other(self):
        metric = self.histogram(["country_id"], domain=self.colored())
        with patch.object(type(metric), "_measure", lambda metric: ""):
            metric.dimension_ids.limit = 1
        found = values(self.env, metric.series)
        # colors 0 to 2 in Belgium; 3 in France, 4 and 5 without a country
        self.assertEqual(
            {bound: found["Belgium", bound] for bound in ("1.0", "3.0", "+Inf")}, {"1.0": 2, "3.0": 3, "+Inf": 3}
        )
        self.assertEqual(
            {bound: found["other", bound] for bound in ("1.0", "3.0", "+Inf")}, {"1.0": 0, "3.0": 1, "+Inf": 3}
        )

    def test_it_is_read_with_the_rules_of_its_user(self):
        metric = self.histogram(domain=self.colored())
        self.env["ir.rule"].create(
            {
                "name": "Own",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": "[('country_id.code', '=', 'BE')]",
            }
        )
        self.assertEqual(values(self.env, metric.series)["+Inf",], 3)
        # the rule hides the reader's own partner, too
        reader(self.env(su=True))
        self.assertIn("res.partner", read(self.env, metric.series).error)

    def test_series_without_records_are_zero_where_all_labels_are_known(self):
        metric = self.histogram(["type"], domain="[('partner_latitude', '=', 7)]")
        self.assertEqual(values(self.env, metric.series)["contact", "+Inf"], 0)

    def test_a_preview(self):
        action = self.histogram(domain=self.colored()).action_preview()
        rows = self.env[action["res_model"]].search(action["domain"])
        self.assertIn(("le=3.0", 4.0), [(row.labels, row.value) for row in rows])

    def test_invalid_buckets_are_refused(self):
        for buckets in (False, "", "a", "1,1", "2,1", "1,inf", "nan", ",".join(map(str, range(13)))):
            with self.assertRaisesRegex(ValidationError, "can't be buckets: write at most 12"), self.env.cr.savepoint():
                self.histogram(buckets=buckets)

    def test_its_series_are_bounded(self):
        states = [("country_id", 20), ("state_id", 8)]
        with self.assertRaisesRegex(ValidationError, "allow 756 series; the limit is 200"), self.env.cr.savepoint():
            self.histogram(states, domain=self.colored())


@tagged("post_install", "-at_install")
class TestCardinality(CustomMetricCase):
    def test_limits_that_are_not_given_fit(self):
        domain = self.countries()
        for name, dimensions, most in (
            ("one", ["country_id"], 21),
            ("two", ["country_id", "state_id"], 14 * 14),
            ("three", ["country_id", "state_id", "industry_id"], 5**3),
            ("given", [("country_id", 30), "state_id"], 31 * 6),
        ):
            metric = define(self.env, name, "res.partner", dimensions, domain=domain)
            self.assertIn(f"at most {most} ", metric.cardinality)

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
            self.assertEqual(form.preview["labels"], ["country_id"])
            self.assertEqual(form.preview["series"], [[["Belgium"], 3], [["none"], 2], [["France"], 1]])
            with form.dimension_ids.edit(0) as line:
                line.limit = 1
            self.assertIn("country_id has 2 values, and its limit is 1: raise the limit", form.problem)

    def test_a_dimension_past_its_limit_is_refused(self):
        self.refused(
            "country_id has 2 values, and its limit is 1: raise the limit, narrow the filter",
            "partners",
            "res.partner",
            [("country_id", 1)],
            domain=self.countries(),
        )

    def test_too_many_series_are_refused(self):
        self.refused(
            r"allow 1071 series; the limit is 200\. .* country_id allows the most values \(50\)",
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
class TestRefused(CustomMetricCase):
    def test_names(self):
        for name, part in {
            "Partners": "can't be a name",
            "1partner": "can't be a name",
            "a__b": "can't be a name",
            "a-b": "can't be",
            "partners_total": "Remove ",
            "wait_minutes": "base unit",
            "orders_count": "Remove ",
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
            self.refused("secrets|has no stored records", "secrets", model, user_id=self.env.user.id)
        self.refused("has no stored records", "nothing", "ir.qweb")

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
                r"can't be in the filter: .*Filter by a selection|can't be measured",
                "people",
                "res.partner",
                domain=domain,
            )

    def test_a_date_that_moves_is_refused_in_the_same_words_everywhere(self):
        for constant in ("today", "today -7d", "-1w", "2026", "2026-13-01", "2026-01-31T08:00:00", 7):
            self.refused(
                "create_date can't be compared with .*: write a date as 2026-01-31.* A relative date can't be",
                "recent",
                "res.partner",
                domain=f"[('create_date', '>=', {constant!r})]",
            )
        for number, constant in enumerate(("2026-01-31", "2026-01-31 08:00:00", False)):
            define(self.env, f"dated{number}", "res.partner", domain=f"[('create_date', '!=', {constant!r})]")

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
                    "not a valid filter|no field|can't be read|can't be in the filter",
                    "injected",
                    "res.partner",
                    domain=domain,
                )
        self.assertTrue(self.env["res.users"].search_count([]))

    def test_a_quote_in_a_domain_is_a_character(self):
        define(self.env, "quotes", "res.partner", domain="""[('type', '=', "x'; DELETE FROM res_partner; --")]""")
        self.assertEqual(values(self.env, "odoo_custom_quotes"), {(): 0})

    def test_aggregates_of_what_is_not_a_number(self):
        self.refused("stored numeric field", "names", "res.partner", aggregate="sum", value_field_id="name")
        self.refused("stored numeric field", "names", "res.partner", aggregate="avg")

    def test_states_that_do_not_exist_are_refused(self):
        self.refused(
            "allowed: contact", "partners", "res.partner", kind="entered", state_field_id="type", state_value="gone"
        )
        self.refused("Choose the state field", "partners", "res.partner", kind="entered")

    def test_the_superuser_reads_nothing(self):
        self.refused("can read all records", "partners", "res.partner", user_id=self.env.ref("base.user_root").id)


@tagged("post_install", "-at_install")
class TestReader(CustomMetricCase):
    def test_it_is_archived_and_made_only_once(self):
        user = self.env.ref("odoo_telemetry.own_metric_reader")
        self.assertFalse(user.active)
        self.env["telemetry.own.metric"]._make_reader()
        self.assertEqual(
            self.env["res.users"].with_context(active_test=False).search_count([("login", "=", user.login)]), 1
        )

    def test_what_it_may_not_read_is_refused_and_reported(self):
        reader(self.env)
        self.refused(
            "Telemetry reader has no access to these records: add the user to a group", "partners", "res.partner"
        )

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

    def test_a_right_that_is_withdrawn_is_shown_on_the_form_and_counted(self):
        metric = define(self.env, "partners", "res.partner", domain=self.countries())
        values(self.env, "odoo_custom_partners")
        before = errors()
        reader(self.env)
        custom = read(self.env, "odoo_custom_partners")
        self.assertEqual(errors(), before + 1)
        self.assertIn("res.partner", custom.error)
        metric.invalidate_recordset()
        self.assertEqual(metric.last_error, custom.error)
        self.assertEqual(custom.series, [[[], 6.0]])

    def test_others_may_not_define(self):
        metric = define(self.env, "partners", "res.partner")
        for groups in ("base.group_user", "base.group_erp_manager", "base.group_portal"):
            user = new_test_user(self.env, f"custom_{groups}", groups=groups)
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
class TestSlow(CustomMetricCase):
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

    def test_it_is_cut_off_and_reported_and_the_others_are_read(self):
        self.env["res.partner"].search([("partner_latitude", "=", 7)], limit=1).unlink()
        before = errors()
        with self.slow(), mute_logger("odoo.sql_db"), patch.object(custom_reading, "STATEMENT_SECONDS", 0.3):
            custom = read(self.env, "odoo_custom_groups")
        self.assertRegex(custom.error, "timed out after 0.[3-9] s")
        self.assertEqual(errors(), before + 1)
        self.assertEqual(store.databases.custom(self.database).metrics["odoo_custom_partners"].series, [[[], 5]])
        metric = self.env["telemetry.own.metric"].search([("name", "=", "groups")])
        metric.invalidate_recordset()
        self.assertIn("timed out", metric.last_error)

    def test_it_is_left_alone_for_a_while(self):
        with self.slow(), mute_logger("odoo.sql_db"), patch.object(custom_reading, "STATEMENT_SECONDS", 0.3):
            first = read(self.env, "odoo_custom_groups", rest=100)
            self.assertAlmostEqual(first.due_at - first.tried_at - first.seconds, 100 * first.seconds, 3)
            self.assertEqual(read(self.env, "odoo_custom_groups").tried_at, first.tried_at)

    def stamped(self, **later):
        """Publish the readings with the stamps of the metrics named so many seconds later."""
        reading = store.databases.custom(self.database)
        for name, seconds in later.items():
            metric = reading.metrics[f"odoo_custom_{name}"]
            metric.tried_at, metric.read_at = metric.tried_at + seconds, metric.read_at + seconds
            metric.due_at += seconds
        store.databases.publish_custom(self.database, reading)

    def test_what_is_due_longest_is_read_first(self):
        for first, second in (("groups", "partners"), ("partners", "groups")):
            self.stamped(**{first: -20, second: -10})
            read(self.env, "odoo_custom_groups")
            metrics = store.databases.custom(self.database).metrics
            tried = [metrics[f"odoo_custom_{name}"].tried_at for name in (first, second)]
            self.assertLess(*tried)

    def test_what_was_read_in_the_future_is_read_now(self):
        self.stamped(groups=86_400)
        now = time.monotonic()
        custom = read(self.env, "odoo_custom_groups")
        self.assertLess(custom.read_at - now, 60)
        self.assertTrue(custom.is_current(time.monotonic()))

    def test_the_form_shows_the_age_and_the_next_reading(self):
        metric = self.env["telemetry.own.metric"].search([("name", "=", "groups")])
        reading = store.databases.custom(self.database)
        reading.metrics[metric.series].read_at -= 40
        reading.metrics[metric.series].due_at += 500
        store.databases.publish_custom(self.database, reading)
        metric.invalidate_recordset()
        self.assertAlmostEqual(metric.last_age, 40, delta=20)
        self.assertAlmostEqual((metric.next_read - metric.last_read).total_seconds(), 500, delta=20)

    def test_the_preview_reads_at_once(self):
        read(self.env, "odoo_custom_partners", rest=1e6)
        self.env["res.partner"].search([("partner_latitude", "=", 7)], limit=1).unlink()
        action = self.env["telemetry.own.metric"].search([("name", "=", "partners")]).action_preview()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]).mapped("value"), [5])

    def test_all_together_have_a_budget(self):
        with patch.object(custom_reading, "TOTAL_SECONDS", 0.0):
            self.assertIn(
                "skipped, because all custom metrics together took", read(self.env, "odoo_custom_partners").error
            )
        self.assertEqual(read(self.env, "odoo_custom_partners").error, "")

    def test_it_is_refused_when_it_is_saved(self):
        with self.slow(), mute_logger("odoo.sql_db"):
            self.refused("takes longer than 2 s: narrow the filter", "slow", "res.country.group")

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
class TestForm(CustomMetricCase):
    def test_preview(self):
        metric = define(self.env, "partners", "res.partner", ["country_id"], domain=self.countries())
        for _opened in range(2):
            action = metric.action_preview()
            rows = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(
                {row.labels: row.value for row in rows},
                {"country_id=Belgium": 3, "country_id=France": 1, "country_id=none": 2},
            )

    def test_terms_are_those_of_prometheus(self):
        names = self.env["telemetry.own.metric"].fields_get(attributes=["string"])
        fields = ("kind", "model_id", "domain", "aggregate", "dimension_ids")
        self.assertEqual(
            [names[field]["string"] for field in fields], ["Type", "Model", "Filter", "Aggregation", "Labels"]
        )

    def test_a_copy_has_the_same_dimensions(self):
        metric = define(self.env, "partners", "res.partner", ["country_id"])
        copied = metric.copy({"name": "others"})
        self.assertEqual(copied.dimension_ids.field_id, metric.dimension_ids.field_id)

    def test_the_menu_is_for_administrators(self):
        menu = self.env.ref("odoo_telemetry.menu_own_metrics")
        self.assertEqual(menu.action.res_model, "telemetry.own.metric")
        visible = (
            self.env["ir.ui.menu"]
            .with_user(new_test_user(self.env, "custom_menu", groups="base.group_erp_manager"))
            ._visible_menu_ids()
        )
        self.assertNotIn(menu.id, visible)
