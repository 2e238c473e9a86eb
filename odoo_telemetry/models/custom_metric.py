import time
from datetime import UTC, datetime

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ..compat import USER_GROUPS, Constraint
from ..facts import rollup
from ..metrics import facts, store
from ..metrics.custom import PREFIX
from ..odoo_hooks import records as hooks
from .custom_note import NOT_COUNTED
from .custom_query import ledger_name

TOTAL = "_total"
BUCKET = "_bucket"
READER = "odoo_telemetry.own_metric_reader"

_DEFINING = {
    "kind", "name", "active", "model_id", "domain", "aggregate", "value_field_id", "buckets", "state_field_id",
    "state_value", "dimension_ids", "user_id", "meaning", "unit",
}  # fmt: skip


class CustomMetric(models.Model):
    """A metric that an administrator defined: what is counted of a model's records, without code."""

    _name = "telemetry.own.metric"
    _description = "Custom metric"
    _order = "name"

    name = fields.Char(
        required=True,
        help="The name of the series without the prefix odoo_custom_ and without a suffix _total or _bucket.",
    )
    series = fields.Char(compute="_compute_series")
    meaning = fields.Char(
        "Description", required=True, help="What the metric measures, in one sentence: its help text."
    )
    active = fields.Boolean(default=True, help="An archived metric is not exported, and nothing is counted for it.")
    kind = fields.Selection(
        [
            ("gauge", "Gauge: records as they are now"),
            ("created", "Counter: created records"),
            ("entered", "Counter: records that enter a state"),
        ],
        "Type",
        required=True,
        default="gauge",
    )
    unit = fields.Selection(
        [
            ("seconds", "Seconds"),
            ("bytes", "Bytes"),
            ("meters", "Meters"),
            ("grams", "Grams"),
            ("ratio", "Ratio, 0 to 1"),
            ("eur", "Euros"),
            ("usd", "US dollars"),
            ("gbp", "Pounds sterling"),
            ("currency", "The company's currency"),
        ],
        help="Prometheus uses base units; the name ends with the unit.",
    )
    model_id = fields.Many2one("ir.model", required=True, ondelete="cascade", domain=[("transient", "=", False)])
    model_name = fields.Char("Model name", related="model_id.model")
    domain = fields.Char(
        "Filter",
        default="[]",
        required=True,
        help="Domain that selects the records. It may contain literal values only: no uid, no relative dates.",
    )
    aggregate = fields.Selection(
        [
            ("count", "Number of records"),
            ("sum", "Sum"),
            ("avg", "Mean"),
            ("min", "Minimum"),
            ("max", "Maximum"),
            ("histogram", "Histogram"),
            ("age_oldest", "Age of the oldest"),
            ("age_newest", "Age of the newest"),
        ],
        "Aggregation",
        required=True,
        default="count",
    )
    value_field_id = fields.Many2one(
        "ir.model.fields",
        "Value field",
        ondelete="cascade",
        domain="[('model_id', '=', model_id), ('store', '=', True),"
        " ('ttype', 'in', aggregate in ('age_oldest', 'age_newest') and ('date', 'datetime')"
        " or ('integer', 'float', 'monetary'))]",
    )
    buckets = fields.Char(help="Upper bounds of the histogram's buckets, such as 10, 100, 1000.")
    state_field_id = fields.Many2one(
        "ir.model.fields",
        "State field",
        ondelete="cascade",
        domain="[('model_id', '=', model_id), ('store', '=', True),"
        " ('ttype', 'in', ('selection', 'boolean', 'many2one'))]",
    )
    state_value = fields.Char("New value", help="The key of a selection, true or false, or the id of a record.")
    dimension_ids = fields.One2many("telemetry.own.dimension", "metric_id", "Labels", copy=True)
    user_id = fields.Many2one(
        "res.users",
        "Read as",
        required=True,
        ondelete="restrict",
        default=lambda self: self._reader(),
        context={"active_test": False},
        help="The metric shows what this user may read. The telemetry reader can't log in, and has the groups that you"
        " give it.",
    )
    revision = fields.Integer(default=1, readonly=True, copy=False)
    cardinality = fields.Text("Number of series", compute="_compute_cardinality")
    problem = fields.Text(compute="_compute_cardinality")
    preview = fields.Json(compute="_compute_cardinality")
    last_read = fields.Datetime("Last read", compute="_compute_last")
    last_age = fields.Float("Age", compute="_compute_last", digits=(16, 0))
    next_read = fields.Datetime("Next reading", compute="_compute_last", help="Earliest time of the next reading.")
    last_seconds = fields.Float("Duration", compute="_compute_last", digits=(16, 3))
    last_series = fields.Integer("Series exported", compute="_compute_last")
    last_error = fields.Char("Last error", compute="_compute_last")
    last_capped = fields.Char(
        "Aggregated as 'other'",
        compute="_compute_last",
        help="For each label: the number of values (gauge) or of records (counter) that are aggregated as 'other'.",
    )
    last_lost = fields.Integer("Records not counted", compute="_compute_last")

    _name_unique = Constraint("unique (name)", "A custom metric with this name exists; it may be archived.")

    # ------------------------------------------------------------------ what is shown

    @api.depends("name", "kind", "aggregate")
    def _compute_series(self):
        for metric in self:
            suffix = TOTAL if metric.kind != "gauge" else BUCKET if metric.aggregate == "histogram" else ""
            metric.series = f"{PREFIX}{metric.name or ''}{suffix}"

    @api.constrains(*_DEFINING)
    def _check_definition(self):
        for metric in self.filtered("active"):
            metric._measure()

    @api.depends(
        "kind", "model_id", "domain", "aggregate", "value_field_id", "buckets", "state_field_id", "state_value",
        "user_id", "dimension_ids.field_id", "dimension_ids.label", "dimension_ids.limit", "name", "unit",
    )  # fmt: skip
    def _compute_cardinality(self):
        for metric in self:
            metric.cardinality = metric.problem = metric.preview = False
            if metric.model_id and metric.user_id:
                try:
                    metric.cardinality, metric.preview = metric._measure()
                except ValidationError as refusal:
                    metric.problem = refusal.args[0]

    def _compute_last(self):
        database, now = self.env.cr.dbname, time.monotonic()
        known = store.databases.custom(database).metrics
        for metric in self:
            last = known.get(metric.series)
            is_read = bool(last and last.read_at is not None)
            metric.last_read = is_read and _moment(last.values_at)
            metric.last_age = max(0.0, now - last.read_at) if is_read else 0.0
            # one that was tried in the future was tried before the machine started: it is due
            waits = max(0.0, last.due_at - now) if is_read and last.tried_at <= now else 0.0
            metric.next_read = is_read and _moment(time.time() + waits)
            metric.last_seconds = last.seconds if last else 0.0
            counted = facts.custom_values(database, [last]) if last else ()
            metric.last_series = len(last.series) + len(counted) if last else 0
            metric.last_error = last.error if last else False
            metric.last_capped = ", ".join(f"{label}: {n}" for label, n in last.capped.items()) if last else False
            metric.last_lost = last.lost if last else 0

    # ------------------------------------------------------------------ what changes

    @api.model_create_multi
    def create(self, vals_list):
        self._check_revision(*vals_list)
        # whatever the default value in the context is
        metrics = super().create([{**vals, "revision": 1} for vals in vals_list])
        metrics._redefine(metrics.mapped("series"))
        return metrics

    def write(self, vals):
        self._check_revision(vals)
        names = self.mapped("series")
        if _DEFINING.isdisjoint(vals):
            return super().write(vals)
        for metric in self:
            super(CustomMetric, metric).write({**vals, "revision": metric.revision + 1})
        self._redefine([*names, *self.mapped("series")])
        return True

    def unlink(self):
        names = self.mapped("series")
        done = super().unlink()
        self._redefine(names)
        return done

    @api.model
    def _check_revision(self, *vals_list):
        """Raise AccessError if a person gives the revision, which separates values of one definition from another's."""
        if any("revision" in vals for vals in vals_list):
            raise AccessError(self.env._("The revision of a custom metric can't be written."))

    def _redefine_dimensions(self):
        """Count by the changed labels."""
        self.write({"dimension_ids": []})

    def _redefine(self, names):
        """Let all workers count by what is new, once it is committed, and read the series ``names`` again.

        Counters are measured by wrapped model classes of the registry, so all workers reload their registries. A
        counter whose labels stay the same counts on, whatever else is changed; counts that no longer belong to
        any counter are deleted.
        """
        registry, database = self.env.registry, self.env.cr.dbname
        if not registry.ready:
            return
        if any(name.endswith(TOTAL) for name in names):
            registry.registry_invalidated = True

        @self.env.cr.postcommit.add
        def renew():
            known, counters = store.databases.custom(database), set()
            try:
                with registry.cursor() as cr:
                    metrics = api.Environment(cr, SUPERUSER_ID, {})[self._name]
                    metrics._watch()
                    counters.update(metrics._counters())
                    metrics._forget_counters()
            except Exception as exception:
                store.errors.count(
                    "custom_metric", "%s of %s can't be defined: %s", ", ".join(names), database, exception
                )
            changed = [name for name in names if name in known.metrics and known.metrics[name].ledger not in counters]
            store.databases.publish_custom(database, known.without(changed))

    @api.model
    def _forget_counters(self):
        """Forget what was counted by counters that are deleted, renamed, or have other labels now."""
        counters = self.with_context(active_test=False).search([("kind", "!=", "gauge")])
        names = [metric._ledger_name() for metric in counters]
        for table, known in (
            (rollup.ENTRY, names), (rollup.TOTAL, [*names, *(f"{metric.series}{NOT_COUNTED}" for metric in counters)])
        ):  # fmt: skip
            self.env.cr.execute(
                f"DELETE FROM {table} WHERE starts_with(metric, %s) AND metric != ALL(%s)", [PREFIX, known]
            )
        database = self.env.cr.dbname

        @self.env.cr.postcommit.add
        def forget():
            try:
                facts.forget(database, lambda name: name.startswith(PREFIX) and name not in names)
            except OSError as exception:
                store.errors.count("custom_metric", "old counters of %s can't be deleted: %s", database, exception)

    def _ledger_name(self):
        return ledger_name(self.series, self.dimension_ids.sorted("id").mapped("label"))

    @api.model
    def _counters(self):
        """Return {name in the ledger: :class:`.custom_query.Definition`} of the counters that are exported.

        A definition is read once by a process: it has another revision when it changes.
        """
        self.env.cr.execute(f"SELECT id, revision FROM {self._table} WHERE active AND kind != 'gauge' ORDER BY id")
        revisions, registry = self.env.cr.fetchall(), self.env.registry
        if getattr(registry, "telemetry_counters", (None,))[0] != revisions:
            definitions, _refused = self.sudo().browse([metric for metric, _revision in revisions])._definitions()
            registry.telemetry_counters = revisions, {definition.ledger: definition for definition in definitions}
        return registry.telemetry_counters[1]

    def _register_hook(self):
        super()._register_hook()
        self._watch()

    @api.model
    def _watch(self):
        """Count by the definitions of the database in this process from now on; never raises."""
        counters = []
        try:
            with self.env.cr.savepoint(flush=False):
                counters = list(self._counters().values())
        except Exception as exception:
            store.errors.count(
                "custom_metric", "the definitions of %s can't be read: %s", self.env.cr.dbname, exception
            )
        hooks.watch(self.env.registry, counters)

    # ------------------------------------------------------------------ actions

    def action_preview(self):
        """Show the values that the metric has now, read as its user."""
        self.ensure_one()
        return self.env["telemetry.own.value"]._open(self)

    # ------------------------------------------------------------------ the user that reads

    @api.model
    def _reader(self):
        return self.env.ref(READER, raise_if_not_found=False)

    @api.model
    def _make_reader(self):
        """Create the default user that custom metrics are read as, unless it exists: archived, and without groups."""
        if self._reader():
            return
        user = (
            self.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": "Telemetry reader",
                    "login": "__telemetry_reader__",
                    "active": False,
                    USER_GROUPS: [(6, 0, [])],
                }
            )
        )
        self.env["ir.model.data"]._update_xmlids([{"xml_id": READER, "record": user, "noupdate": True}])

    @api.model
    def _remove_all(self):
        """Delete all custom metrics, and the user that was made to read them: the addon is uninstalled."""
        self.env.cr.execute(f"DELETE FROM {self._table}")
        self.env["telemetry.own.note"]._remove()
        if reader := self._reader():
            partner = reader.partner_id
            reader.unlink()
            partner.unlink()


def _moment(seconds):
    """Return Unix time as the ORM has it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=0)
