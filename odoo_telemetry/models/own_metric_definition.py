"""What an own metric may measure: its record is read as a definition, or refused with a reason and a remedy."""

import ast
import re
from math import prod

from psycopg2.errors import QueryCanceled

from odoo import SUPERUSER_ID, models
from odoo.exceptions import AccessError, ValidationError

from ..metrics import store
from .own_query import NONE, STATEMENT_SECONDS, Definition, Dimension, limited

MOST_SERIES = 200
"""Series that one own metric may have."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 60
_LONGEST_DOMAIN = 4_000
# What `promtool check metrics` objects to in a name: kinds, units that are abbreviated or no base units
# (https://prometheus.io/docs/practices/naming/), and endings that other kinds of metrics have.
_MISPLACED = frozenset((
    "counter", "gauge", "histogram", "summary", "total", "sum", "count", "bucket", "info", "created",
    "s", "ms", "us", "ns", "sec", "msec", "min", "m", "h", "d", "milliseconds", "microseconds", "nanoseconds",
    "minutes", "hours", "days", "weeks", "b", "kb", "mb", "gb", "tb", "pb", "kilobytes", "megabytes", "gigabytes",
    "terabytes", "bits", "kilometers", "centimeters", "millimeters", "kilograms", "milligrams", "kelvin", "kelvins",
    "fahrenheit", "percent",
))  # fmt: skip
_RESERVED_LABELS = ("database", "job", "instance", "le", "quantile", "replica")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")

_NUMBERS = ("integer", "float", "monetary")
_CHOICES = ("selection", "boolean")
"""Kinds of fields whose values developers wrote: they name nobody."""
_FILTERED = (*_CHOICES, *_NUMBERS, "date", "datetime")
"""Kinds of fields that a domain may compare."""
_REFERENCES = {
    "account.incoterms", "account.payment.term", "account.tax.group", "crm.lost.reason", "crm.stage", "crm.team",
    "helpdesk.stage", "helpdesk.team", "hr.department", "hr.job", "hr.recruitment.stage", "ir.model",
    "ir.module.category", "maintenance.stage", "mrp.workcenter", "pos.config", "product.category",
    "project.project.stage", "project.task.type", "res.company", "res.country", "res.country.group",
    "res.country.state", "res.currency", "res.lang", "res.partner.industry", "stock.picking.type", "stock.warehouse",
    "uom.category", "uom.uom", "utm.medium", "utm.stage", "website",
}  # fmt: skip
"""Models of reference data and configuration, whose records are named by administrators, and are not people."""
_OPERATORS = (
    "=",
    "!=",
    "<",
    ">",
    "<=",
    ">=",
    "=?",
    "in",
    "not in",
    "like",
    "not like",
    "ilike",
    "not ilike",
    "=like",
    "=ilike",
    "child_of",
    "parent_of",
    "any",
    "not any",
)
_PRIVATE_MODELS = re.compile(
    r"ir\.config_parameter|ir\.mail_server|fetchmail\.server|res\.users\.(apikeys|identitycheck|deletion).*|auth_totp\..*"
    r"|bus\.bus|payment\.(provider|token)|telemetry\..*"
)
_PRIVATE_FIELDS = re.compile(r"passw|secret|token|api_?key|private_key|credential|totp|signature")


def declare_reference_models(*names):
    """Let relations to the models ``names`` be dimensions: administrators name their records, which are not people."""
    _REFERENCES.update(names)


class OwnMetric(models.Model):
    _inherit = "telemetry.own.metric"

    # ------------------------------------------------------------------ what is refused

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
            )
            or self.env._("no dimensions"),
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
        """Return (list of :class:`.own_query.Definition`, {metric: why it is refused}); the latter is counted.

        A definition may be refused long after it was saved: its model has changed, or what is allowed has.
        """
        definitions, refused = [], {}
        for metric in self:
            try:
                definitions.append(metric._definition())
            except ValidationError as exception:
                refused[metric] = exception.args[0]
                store.errors.count("own_metric", "%s: %s", metric.series, exception.args[0])
        return definitions, refused

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
                self.env._(
                    "%(model)s is a view of other records: count those, or export what there is now.", model=name
                )
            )
        return model

    def _transition(self, model):
        """Return (field name, value in the database) that records come into."""
        name, text = self.state_field_id.name, (self.state_value or "").strip()
        if not name or not text:
            raise ValidationError(self.env._("Say which field becomes what."))
        field = self._public_field(model, name)
        self._check_stored(field)
        self._check_impersonal(field)
        if field.type == "boolean" and text in ("true", "false"):
            return name, text == "true"
        if field.type == "many2one" and text.isdecimal():
            return name, int(text)
        if field.type == "selection" and text in self._selection_keys(field):
            return name, text
        allowed = {"boolean": ["true", "false"], "many2one": [self.env._("the id of a record")]}
        raise ValidationError(
            self.env._(
                "%(field)s has no value %(value)s; use one of: %(allowed)s.",
                field=name,
                value=text,
                allowed=", ".join(allowed.get(field.type) or self._selection_keys(field)),
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
            self._check_stored(field)
            if not _LABEL.fullmatch(label) or label in _RESERVED_LABELS or label in [one.label for one in dimensions]:
                raise ValidationError(
                    self.env._(
                        "%(label)s can't be a label: use lower-case letters, digits and underscores, each label once, "
                        "and none of %(reserved)s.",
                        label=label,
                        reserved=", ".join(_RESERVED_LABELS),
                    )
                )
            self._check_impersonal(field)
            values = raw = ()
            if field.type == "boolean":
                values, raw = ("true", "false"), (True, False)
            elif field.type == "selection":
                keys = self._selection_keys(field)
                values, raw = (keys, keys) if field.required else ((*keys, NONE), (*keys, False))
            limit = len(values) or line.limit
            if limit < 1:
                raise ValidationError(
                    self.env._("The limit of %(label)s is %(limit)d: set at least 1.", label=label, limit=limit)
                )
            dimensions.append(Dimension(field.name, label, limit, tuple(values), tuple(raw)))
        return tuple(dimensions)

    def _check_stored(self, field):
        if not field.store or field.company_dependent:
            raise ValidationError(
                self.env._("%(field)s can't be grouped by: its values are not in the model's table.", field=field.name)
            )

    def _check_impersonal(self, field):
        """Refuse a field whose values may name people or hold secrets: no label carries them.

        :raises ValidationError: says what the field is, and what can be chosen instead
        """
        if not _names_nobody(field):
            raise ValidationError(
                self.env._(
                    "%(field)s (%(kind)s) can't be a label or a state: its values may be personal data. Choose a "
                    "selection, a boolean, or a relation to one of: %(models)s.",
                    field=field.name,
                    kind=_kind(field),
                    models=self._reference_models(),
                )
            )

    def _check_filter(self, field, operator, value):
        """Refuse a field in a domain that could select one person, or guess a text.

        :raises ValidationError: as in :meth:`_check_impersonal`
        """
        is_reference = field.comodel_name in _REFERENCES or (
            field.model_name in _REFERENCES and field.name in ("id", "name", "code")
        )
        is_set = field.type == "many2one" and operator in ("=", "!=") and value is False
        if not (is_reference or is_set or (field.type in _FILTERED and field.name != "id")):
            raise ValidationError(
                self.env._(
                    "%(field)s (%(kind)s) can't be in the domain: its values may be personal data. Filter by a "
                    "selection, a boolean, a number, a date, or a relation to one of: %(models)s.",
                    field=field.name,
                    kind=_kind(field),
                    models=self._reference_models(),
                )
            )

    def _reference_models(self):
        """Return the names of the models of reference data that are installed here, as a refusal shows them (str)."""
        return ", ".join(sorted(_REFERENCES.intersection(self.env)))

    def _parsed_domain(self, model):
        text = self.domain or "[]"
        try:
            if len(text) > _LONGEST_DOMAIN:
                raise ValueError(self.env._("It has more than %(most)d characters.", most=_LONGEST_DOMAIN))
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
        """Check that ``domain`` has the form of one for ``model``, of constants and public fields.

        :raises ValueError: when it has not.
        """
        if not isinstance(domain, list | tuple):
            raise ValueError(self.env._("It is no list."))
        wanted = 0
        for item in domain:
            wanted = wanted or 1
            if item in ("&", "|"):
                wanted += 1
            elif item != "!":
                self._check_condition(model, item)
                wanted -= 1
        if wanted:
            raise ValueError(self.env._("A condition is missing at its end."))

    def _check_condition(self, model, condition):
        if not isinstance(condition, list | tuple) or len(condition) != 3:
            raise ValueError(self.env._("%(condition)s is no condition.", condition=repr(condition)))
        path, operator, value = condition
        if operator == "=" and path in (0, 1) and value == 1:
            return
        if not isinstance(path, str) or operator not in _OPERATORS:
            raise ValueError(self.env._("%(condition)s is no condition.", condition=repr(condition)))
        field = self._public_field(model, path)
        if operator in ("any", "not any") and field.comodel_name:
            self._check_domain(self.env[field.comodel_name], value)
            return
        self._check_filter(field, operator, value)
        constants = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(constant, str | int | float | None) for constant in constants):
            raise ValueError(self.env._("%(value)s is no constant.", value=repr(value)))

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


def _names_nobody(field):
    return field.type in _CHOICES or (field.type == "many2one" and field.comodel_name in _REFERENCES)


def _kind(field):
    return f"{field.type}: {field.comodel_name}" if field.comodel_name else field.type
