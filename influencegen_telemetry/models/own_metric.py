import ast
import re
from datetime import UTC, datetime
from math import prod

from psycopg2.errors import QueryCanceled

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, ValidationError

from odoo.addons.influencegen.compat import USER_GROUPS, Constraint

from ..instrumentation import records as instrumentation
from ..metrics import store
from .own_query import NONE, STATEMENT_SECONDS, Definition, Dimension, limited

PREFIX = "influencegen_own_"
MOST_SERIES = 200
"""Series that one own metric may have."""
READER = "influencegen_telemetry.own_metric_reader"

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 60
_LONGEST_DOMAIN = 4_000
# What `promtool check metrics` objects to in a name: kinds, units that are abbreviated or no base units
# (https://prometheus.io/docs/practices/naming/), and endings that other kinds of metrics have.
_MISPLACED = frozenset(
    "counter gauge histogram summary total sum count bucket info created "
    "s ms us ns sec b kb mb gb tb pb m h d min msec "
    "milliseconds microseconds nanoseconds minutes hours days weeks kilobytes megabytes gigabytes terabytes "
    "kilometers centimeters millimeters kilograms milligrams kelvin kelvins fahrenheit bits percent".split()
)
_RESERVED_LABELS = ("database", "job", "instance", "le", "quantile", "replica")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")

_GROUPED = ("selection", "boolean", "many2one", "char")
_NUMBERS = ("integer", "float", "monetary")
_STATES = ("selection", "boolean", "many2one")
_OPERATORS = (
    "=", "!=", "<", ">", "<=", ">=", "=?", "in", "not in", "like", "not like", "ilike", "not ilike", "=like", "=ilike",
    "child_of", "parent_of", "any", "not any",
)
_PRIVATE_MODELS = re.compile(
    r"ir\.config_parameter|ir\.mail_server|fetchmail\.server|res\.users\.(apikeys|identitycheck|deletion).*|auth_totp\..*"
    r"|bus\.bus|payment\.(provider|token)|influencegen\.telemetry\..*"
)
_PRIVATE_FIELDS = re.compile(r"passw|secret|token|api_?key|private_key|credential|totp|signature")
_OF_PEOPLE = ("email", "email_normalized", "phone", "mobile", "login", "birthdate", "work_email")
"""Fields that tell a model of people: what names one of its records is personal data."""

_DEFINING = {
    "kind", "name", "active", "model_id", "domain", "aggregate", "value_field_id", "state_field_id", "state_value",
    "dimension_ids", "user_id", "meaning", "unit",
}  # fmt: skip


class OwnMetric(models.Model):
    """A metric that an administrator defined: what is counted of a model's records, without code."""

    _name = "influencegen.telemetry.own.metric"
    _description = "Own metric"
    _order = "name"

    name = fields.Char(required=True, help="What follows influencegen_own_ in the name of the series.")
    series = fields.Char(compute="_compute_series")
    meaning = fields.Char(required=True, help="What it says, in one sentence; shown wherever the metric is looked up.")
    active = fields.Boolean(default=True, help="An archived metric is not exported, and nothing is counted for it.")
    kind = fields.Selection(
        [
            ("gauge", "What there is now"),
            ("created", "Records that are created"),
            ("entered", "Records that come into a state"),
        ],
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
            ("gbp", "Pounds"),
            ("currency", "The company's currency"),
        ],
        help="Prometheus knows base units only; the name ends with it.",
    )
    model_id = fields.Many2one(
        "ir.model", "Model", required=True, ondelete="cascade", domain=[("transient", "=", False)]
    )
    model_name = fields.Char(related="model_id.model")
    domain = fields.Char(default="[]", required=True, help="Which records: a domain of constants.")
    aggregate = fields.Selection(
        [("count", "Number of records"), ("sum", "Sum"), ("avg", "Mean"), ("min", "Least"), ("max", "Largest")],
        required=True,
        default="count",
    )
    value_field_id = fields.Many2one(
        "ir.model.fields", "Of", ondelete="cascade",
        domain="[('model_id', '=', model_id), ('store', '=', True), ('ttype', 'in', ('integer', 'float', 'monetary'))]",
    )
    state_field_id = fields.Many2one(
        "ir.model.fields", "Field", ondelete="cascade",
        domain="[('model_id', '=', model_id), ('store', '=', True),"
        " ('ttype', 'in', ('selection', 'boolean', 'many2one'))]",
    )
    state_value = fields.Char("Becomes", help="The key of a selection, true or false, or the id of a record.")
    dimension_ids = fields.One2many("influencegen.telemetry.own.dimension", "metric_id", "Dimensions", copy=True)
    user_id = fields.Many2one(
        "res.users", "Read as", required=True, ondelete="restrict", default=lambda self: self._reader(),
        context={"active_test": False},
        help="The metric shows what this user may read. The telemetry reader can't log in, and has the groups that you"
        " give it.",
    )
    revision = fields.Integer(default=1, readonly=True, copy=False)
    cardinality = fields.Text("Series", compute="_compute_cardinality")
    problem = fields.Text(compute="_compute_cardinality")
    last_read = fields.Datetime(compute="_compute_last")
    last_seconds = fields.Float("Took", compute="_compute_last", digits=(16, 3))
    last_series = fields.Integer("Series exported", compute="_compute_last")
    last_error = fields.Char(compute="_compute_last")
    last_folded = fields.Char("Folded into other", compute="_compute_last")
    last_lost = fields.Integer("Not counted", compute="_compute_last")

    _name_unique = Constraint("unique (name)", "There is an own metric of this name; it may be archived.")

    # ------------------------------------------------------------------ what is shown

    @api.depends("name", "kind")
    def _compute_series(self):
        for metric in self:
            metric.series = f"{PREFIX}{metric.name or ''}{'' if metric.kind == 'gauge' else '_total'}"

    @api.depends(
        "kind", "model_id", "domain", "aggregate", "value_field_id", "state_field_id", "state_value", "user_id",
        "dimension_ids.field_id", "dimension_ids.label", "dimension_ids.limit", "name", "unit",
    )  # fmt: skip
    def _compute_cardinality(self):
        for metric in self:
            metric.cardinality = metric.problem = False
            if metric.model_id and metric.user_id:
                try:
                    metric.cardinality = metric._measure()
                except ValidationError as refusal:
                    metric.problem = refusal.args[0]

    def _compute_last(self):
        known = store.own(self.env.cr.dbname).metrics
        for metric in self:
            last = known.get(metric.series)
            metric.last_read = bool(last and last.values_at) and datetime.fromtimestamp(
                last.values_at, UTC
            ).replace(tzinfo=None, microsecond=0)
            metric.last_seconds = last.seconds if last else 0.0
            metric.last_series = len(last.series) if last else 0
            metric.last_error = last.error if last else False
            metric.last_folded = ", ".join(f"{label}: {n}" for label, n in last.folded.items()) if last else False
            metric.last_lost = last.lost if last else 0

    # ------------------------------------------------------------------ what is refused

    @api.constrains(*_DEFINING)
    def _check_definition(self):
        for metric in self.filtered("active"):
            metric._measure()

    def _measure(self):
        """Return a sentence about the number of series there are now, read as the metric's user.

        :raises ValidationError: when it can't be exported like this; the message says why, and what to do.
        """
        self._check_name()
        definition = self._definition()
        try:
            with limited(self.env):
                numbers = definition.cardinality(self.env)
                self._check_numbers(definition, numbers)
                series, _folded = definition.series(self.env, definition.groups(self.env))
        except AccessError as refusal:
            raise ValidationError(
                self.env._(
                    "%(user)s may not read it: give the user a group that may, or choose another user.\n%(reason)s",
                    user=self.user_id.name,
                    reason=refusal.args[0],
                )
            ) from refusal
        except QueryCanceled as refusal:
            raise ValidationError(
                self.env._(
                    "Reading it takes longer than %(seconds)d s: narrow the domain, or remove a dimension.",
                    seconds=STATEMENT_SECONDS,
                )
            ) from refusal
        except ValidationError:
            raise
        except Exception as refusal:
            raise ValidationError(
                self.env._("It can't be read: %(reason)s. Correct the domain.", reason=refusal)
            ) from refusal
        return self.env._(
            "%(number)d series now, at most %(most)d (%(dimensions)s).",
            number=len(series),
            most=self._most_series(definition),
            dimensions=", ".join(
                f"{dimension.label}: {numbers[dimension.label]} / {dimension.limit}"
                for dimension in definition.dimensions
            ) or self.env._("no dimensions"),
        )

    def _most_series(self, definition):
        return prod(len(dimension.values) or dimension.limit + 1 for dimension in definition.dimensions)

    def _check_numbers(self, definition, numbers):
        for dimension in definition.dimensions:
            if numbers[dimension.label] > dimension.limit:
                raise ValidationError(
                    self.env._(
                        "%(label)s has %(number)d values, and its limit is %(limit)d: raise the limit, narrow the "
                        "domain, or remove the dimension.",
                        label=dimension.label,
                        number=numbers[dimension.label],
                        limit=dimension.limit,
                    )
                )
        most = self._most_series(definition)
        if most > MOST_SERIES:
            widest = max(definition.dimensions, key=lambda dimension: dimension.limit)
            raise ValidationError(
                self.env._(
                    "Its dimensions allow %(number)d series, and %(most)d is the limit; %(label)s has the most, "
                    "%(limit)d: lower its limit, or remove a dimension.",
                    number=most,
                    most=MOST_SERIES,
                    label=widest.label,
                    limit=widest.limit,
                )
            )

    def _check_name(self):
        name = self.name or ""
        parts = name.split("_")
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise ValidationError(
                self.env._(
                    "%(name)s can't be a name: use at most %(length)d lower-case letters, digits and single "
                    "underscores, beginning with a letter.",
                    name=name,
                    length=_LONGEST_NAME,
                )
            )
        if misplaced := _MISPLACED.intersection(parts):
            raise ValidationError(
                self.env._(
                    "%(name)s can't be a name: Prometheus gives %(part)s a meaning of its own, or has a base unit for "
                    "it; leave it out.",
                    name=name,
                    part=", ".join(sorted(misplaced)),
                )
            )
        if self.unit and parts[-1] != self.unit:
            raise ValidationError(
                self.env._("%(name)s is in %(unit)s: end the name with _%(unit)s.", name=name, unit=self.unit)
            )

    # ------------------------------------------------------------------ the definition

    def _definitions(self):
        """Return a list of :class:`.own_query.Definition` of those metrics that can be read; others are told."""
        definitions = []
        for metric in self:
            try:
                definitions.append(metric._definition())
            except ValidationError as exception:
                store.error("own_metric", "%s: %s", metric.series, exception.args[0])
        return definitions

    def _definition(self):
        """Return the :class:`.own_query.Definition` of the metric.

        :raises ValidationError: when it names a model, a field or a value that can't be measured.
        """
        self.ensure_one()
        model = self._measurable_model()
        state, target = self._transition(model) if self.kind == "entered" else ("", None)
        aggregate = self.aggregate if self.kind == "gauge" else "count"
        value = "" if aggregate == "count" else self._numeric_field(model)
        if self.user_id.id == SUPERUSER_ID:
            raise ValidationError(
                self.env._("%(user)s may read everything: choose a user with limits.", user=self.user_id.name)
            )
        return Definition(
            id=self._origin.id,
            revision=self.revision,
            name=self.series,
            kind=self.kind,
            help=self.meaning or "",
            unit=self.unit or "",
            model=model._name,
            domain=tuple(self._parsed_domain(model)),
            uid=self.user_id._origin.id,
            dimensions=self._dimensions(model),
            aggregate=aggregate,
            value=value,
            state=state,
            target=target,
        )

    def _measurable_model(self):
        name = self.model_id.model
        if name not in self.env or self.env[name]._abstract or self.env[name]._transient:
            raise ValidationError(self.env._("%(model)s keeps no records: choose another model.", model=name))
        if _PRIVATE_MODELS.fullmatch(name):
            raise ValidationError(
                self.env._("%(model)s holds secrets or telemetry itself: choose another model.", model=name)
            )
        model = self.env[name]
        if self.kind != "gauge" and (not model._auto or model._table_query):
            raise ValidationError(
                self.env._("%(model)s is a view of other records: count those, or export what there is now.", model=name)
            )
        return model

    def _transition(self, model):
        """Return (field name, value in the database) that records come into."""
        name, text = self.state_field_id.name, (self.state_value or "").strip()
        if not name or not text:
            raise ValidationError(self.env._("Say which field becomes what."))
        field = self._public_field(model, name)
        if field.type not in _STATES or field.company_dependent or not field.store:
            raise ValidationError(
                self.env._("%(field)s can't be a state: choose a selection, a boolean or a relation.", field=name)
            )
        if field.type == "boolean" and text in ("true", "false"):
            return name, text == "true"
        if field.type == "many2one" and text.isdecimal():
            return name, int(text)
        if field.type == "selection" and text in (values := self._selection_keys(field)):
            return name, text
        allowed = {"boolean": ["true", "false"], "many2one": [self.env._("the id of a record")]}.get(field.type) or values
        raise ValidationError(
            self.env._(
                "%(field)s has no value %(value)s; use one of: %(allowed)s.",
                field=name,
                value=text,
                allowed=", ".join(allowed),
            )
        )

    def _selection_keys(self, field):
        return [str(key) for key in field.get_values(self.env)]

    def _numeric_field(self, model):
        name = self.value_field_id.name
        field = name and self._public_field(model, name)
        if not field or field.type not in _NUMBERS or not field.store or field.company_dependent:
            raise ValidationError(self.env._("Choose a stored number to aggregate, or the number of records."))
        return name

    def _dimensions(self, model):
        dimensions = []
        for line in self.dimension_ids:
            field = self._public_field(model, line.field_id.name or "")
            label = line.label or ""
            if field.type not in _GROUPED or not field.store or field.company_dependent or field.translate:
                raise ValidationError(
                    self.env._("%(field)s can't be a dimension: its values are not kept as few words.", field=field.name)
                )
            if not _LABEL.fullmatch(label) or label in _RESERVED_LABELS or label in [one.label for one in dimensions]:
                raise ValidationError(
                    self.env._(
                        "%(label)s can't be a label: use lower-case letters, digits and underscores, each label once, "
                        "and none of %(reserved)s.",
                        label=label,
                        reserved=", ".join(_RESERVED_LABELS),
                    )
                )
            self._check_impersonal(model, field)
            values = ()
            if field.type == "boolean":
                values = ("true", "false")
            elif field.type == "selection":
                values = (*self._selection_keys(field), *(() if field.required else (NONE,)))
            limit = len(values) or line.limit
            if limit < 1:
                raise ValidationError(
                    self.env._("The limit of %(label)s is %(limit)d: set at least 1.", label=label, limit=limit)
                )
            dimensions.append(Dimension(field.name, label, limit, values))
        return tuple(dimensions)

    def _check_impersonal(self, model, field):
        """Refuse a dimension whose values name people: no metric carries personal data."""
        related = self.env[field.comodel_name] if field.type == "many2one" else model
        of_people = related._name != "res.company" and not related._fields.keys().isdisjoint(_OF_PEOPLE)
        if of_people and field.type in ("many2one", "char"):
            raise ValidationError(
                self.env._(
                    "%(field)s names people (%(model)s has e-mail addresses, telephone numbers or logins), and no metric "
                    "carries personal data: choose another dimension.",
                    field=field.name,
                    model=related._name,
                )
            )

    def _parsed_domain(self, model):
        text = self.domain or "[]"
        try:
            if len(text) > _LONGEST_DOMAIN:
                raise ValueError(f"it has more than {_LONGEST_DOMAIN} characters")
            domain = ast.literal_eval(text.strip())
            self._check_domain(model, domain)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as exception:
            raise ValidationError(
                self.env._(
                    "%(domain)s is no domain of constants: write it like [('state', '=', 'done')]. %(reason)s",
                    domain=text[:200],
                    reason=exception,
                )
            ) from exception
        return domain

    def _check_domain(self, model, domain):
        if not isinstance(domain, list | tuple):
            raise ValueError("It is no list.")
        for item in domain:
            if item in ("&", "|", "!"):
                continue
            if not isinstance(item, list | tuple) or len(item) != 3:
                raise ValueError(f"{item!r} is no condition.")
            path, operator, value = item
            if (path, operator, value) in ((1, "=", 1), (0, "=", 1)):
                continue
            if not isinstance(path, str) or operator not in _OPERATORS:
                raise ValueError(f"{item!r} is no condition.")
            field = self._public_field(model, path)
            if operator in ("any", "not any") and field.comodel_name:
                self._check_domain(self.env[field.comodel_name], value)
                continue
            constants = value if isinstance(value, list | tuple) else [value]
            if not all(isinstance(constant, str | int | float | None) for constant in constants):
                raise ValueError(f"{value!r} is no constant.")

    def _public_field(self, model, path):
        """Return the field at the end of ``path`` (str, names with dots) from ``model``.

        :raises ValidationError: when there is none, or one on the way is not for everybody to know.
        """
        field = None
        for name in path.split("."):
            field = model._fields.get(name) if model is not None else None
            if field is None:
                raise ValidationError(self.env._("There is no field %(path)s.", path=path))
            private = field.groups or _PRIVATE_FIELDS.search(name) or _PRIVATE_MODELS.fullmatch(model._name)
            if private or not (field.store or field.search):
                raise ValidationError(
                    self.env._(
                        "%(path)s can't be measured: it is private to some groups, a secret, or not kept in the "
                        "database.",
                        path=path,
                    )
                )
            model = self.env[field.comodel_name] if field.comodel_name else None
        return field

    # ------------------------------------------------------------------ what changes

    @api.model_create_multi
    def create(self, vals_list):
        metrics = super().create(vals_list)
        metrics._redefine(metrics.mapped("series"))
        return metrics

    def write(self, vals):
        names = self.mapped("series")
        if _DEFINING.isdisjoint(vals):
            return super().write(vals)
        for metric in self:
            super(OwnMetric, metric).write({**vals, "revision": metric.revision + 1})
        self._redefine([*names, *self.mapped("series")])
        return True

    def unlink(self):
        names = self.mapped("series")
        done = super().unlink()
        self._redefine(names)
        return done

    def _redefine_shape(self):
        """Begin to count anew: a dimension is another."""
        for metric in self:
            metric.write({"revision": metric.revision + 1})
        self._redefine(self.mapped("series"))

    def _redefine(self, names):
        """Once it is committed, forget the series ``names`` in all workers, and let all of them count by what is new."""
        registry, database = self.env.registry, self.env.cr.dbname
        if not registry.ready:
            return
        registry.registry_invalidated = True

        @self.env.cr.postcommit.add
        def renew():
            store.publish_own(database, store.own(database).without(names))
            try:
                with registry.cursor() as cr:
                    api.Environment(cr, SUPERUSER_ID, {})[self._name]._watch()
            except Exception as exception:
                store.error("own_metric", "the own metrics of %s can't be renewed: %s", database, exception)

    def _register_hook(self):
        super()._register_hook()
        self._watch()

    @api.model
    def _watch(self):
        """Count by the definitions of the database in this process from now on."""
        counters = self.search([("kind", "!=", "gauge")])._definitions()
        instrumentation.watch(self.env.registry, counters)

    # ------------------------------------------------------------------ actions

    def action_preview(self):
        """Show the values that the metric has now, read as its user."""
        self.ensure_one()
        return self.env["influencegen.telemetry.own.value"]._open(self)

    # ------------------------------------------------------------------ the user that reads

    @api.model
    def _reader(self):
        return self.env.ref(READER, raise_if_not_found=False)

    @api.model
    def _make_reader(self):
        """Make the user that own metrics are read as by default, unless it was made: it can't log in, without groups."""
        if self._reader():
            return
        user = self.env["res.users"].with_context(no_reset_password=True).create(
            {"name": "Telemetry reader", "login": "__telemetry_reader__", "active": False, USER_GROUPS: [(6, 0, [])]}
        )
        self.env["ir.model.data"]._update_xmlids([{"xml_id": READER, "record": user, "noupdate": True}])

    @api.model
    def _remove_all(self):
        """Delete all own metrics, and the user that was made to read them: the addon is uninstalled."""
        self.env.cr.execute(f"DELETE FROM {self._table}")
        if reader := self._reader():
            partner = reader.partner_id
            reader.unlink()
            partner.unlink()
