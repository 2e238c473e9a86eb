"""What a custom metric may measure: its record is read as a definition, or refused with a reason and a remedy."""

import ast
import re
from dataclasses import replace
from datetime import datetime
from math import isfinite, prod

from psycopg2.errors import QueryCanceled

from odoo import SUPERUSER_ID, models
from odoo.exceptions import AccessError, ValidationError

from ..metrics import store
from .custom_query import NONE, STATEMENT_SECONDS, Definition, Dimension, limited

MOST_SERIES = 200
"""Series that one custom metric may have."""
MOST_BUCKETS = 12
_LARGEST_FITTING = 20
"""Largest automatic limit of a label; it is lower where MOST_SERIES does not allow so many."""
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
_DATES = ("date", "datetime")
_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_AGES = ("age_oldest", "age_newest")
_CHOICES = ("selection", "boolean")
"""Kinds of fields whose values developers wrote: they name nobody."""
_FILTERED = (*_CHOICES, *_NUMBERS, *_DATES)
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


class CustomMetric(models.Model):
    _inherit = "telemetry.own.metric"

    # ------------------------------------------------------------------ what is refused

    def _measure(self):
        """Return two values: a sentence with the current number of series, and the series that would be exported.

        The series are a dict with ``labels`` (names), ``unit`` and ``series``, a list of (label values, value).

        They are read as the metric's user.

        :raises ValidationError: when it can't be exported like this; the message says why, and what to do.
        """
        self._check_name()
        definition = self._definition()
        try:
            with limited(self.env):
                numbers = definition.cardinality(self.env)
                self._check_numbers(definition, numbers)
                groups = definition.by_size(definition.groups(self.env))
                series, _capped = definition.series(self.env, groups)
                shown = series if self.kind == "gauge" else self.env["telemetry.own.value"]._counted(definition)
        except AccessError as refusal:
            raise ValidationError(
                self.env._(
                    "%(user)s has no access to these records: add the user to a group that has access, or choose "
                    "another user.\n%(reason)s",
                    user=self.user_id.name,
                    reason=refusal.args[0],
                )
            ) from refusal
        except QueryCanceled as refusal:
            raise ValidationError(
                self.env._(
                    "Reading the metric takes longer than %(seconds)d s: narrow the filter, or remove a label.",
                    seconds=STATEMENT_SECONDS,
                )
            ) from refusal
        except ValidationError:
            raise
        except Exception as refusal:
            raise ValidationError(
                self.env._("The metric can't be read: %(reason)s. Correct the filter or the labels.", reason=refusal)
            ) from refusal
        sentence = self.env._(
            "%(number)d series now, at most %(most)d (%(labels)s).",
            number=len(series),
            most=self._most_series(definition),
            labels=", ".join(
                f"{dimension.label}: {numbers[dimension.label]} / {dimension.limit}"
                for dimension in definition.dimensions
            )
            or self.env._("no labels"),
        )
        # what is in a bucket is a number of records
        unit = "number" if definition.buckets else definition.unit or "number"
        return sentence, {"labels": definition.labels, "unit": unit, "series": shown}

    def _most_series(self, definition):
        return _series_of(definition.dimensions, definition.buckets)

    def _check_numbers(self, definition, numbers):
        for dimension in definition.dimensions:
            if numbers[dimension.label] > dimension.limit:
                raise ValidationError(
                    self.env._(
                        "%(label)s has %(number)d values, and its limit is %(limit)d: raise the limit, narrow the "
                        "filter, or remove the label.",
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
                    "The labels allow %(number)d series; the limit is %(most)d. Remove a label, or lower the limit of "
                    "one that is not a selection. %(label)s allows the most values (%(limit)d).",
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
                    "%(name)s can't be a name. Remove %(part)s: it is reserved by Prometheus, or not a base unit "
                    "such as seconds or bytes.",
                    name=name,
                    part=", ".join(sorted(misplaced)),
                )
            )
        unit = self._base_unit()
        if unit and parts[-1] != unit:
            raise ValidationError(
                self.env._("%(name)s is in %(unit)s: end the name with _%(unit)s.", name=name, unit=unit)
            )

    def _base_unit(self):
        return "seconds" if self.kind == "gauge" and self.aggregate in _AGES else self.unit or ""

    # ------------------------------------------------------------------ the definition

    def _definitions(self):
        """Return (list of :class:`.custom_query.Definition`, {metric: why it is refused}); the latter is counted.

        A definition may be refused long after it was saved: its model has changed, or what is allowed has.
        """
        definitions, refused = [], {}
        for metric in self:
            try:
                definitions.append(metric._definition())
            except ValidationError as exception:
                refused[metric] = exception.args[0]
                store.errors.count("custom_metric", "%s: %s", metric.series, exception.args[0])
        return definitions, refused

    def _definition(self):
        """Return the :class:`.custom_query.Definition` of the metric.

        :raises ValidationError: when it names a model, a field or a value that can't be measured.
        """
        self.ensure_one()
        model = self._measurable_model()
        state, target = self._transition(model) if self.kind == "entered" else ("", None)
        aggregate = self.aggregate if self.kind == "gauge" else "count"
        value = "" if aggregate == "count" else self._aggregated_field(model, aggregate)
        buckets = self._bounds() if aggregate == "histogram" else ()
        if self.user_id.id == SUPERUSER_ID:
            raise ValidationError(
                self.env._("%(user)s can read all records: choose a user with limited access.", user=self.user_id.name)
            )
        return Definition(
            id=self._origin.id,
            revision=self.revision,
            name=self.series,
            kind=self.kind,
            help=self.meaning or "",
            unit=self._base_unit(),
            model=model._name,
            domain=tuple(self._parsed_domain(model)),
            uid=self.user_id._origin.id,
            dimensions=self._dimensions(model, buckets),
            aggregate=aggregate,
            value=value,
            state=state,
            target=target,
            buckets=buckets,
        )

    def _measurable_model(self):
        name = self.model_id.model
        if name not in self.env or self.env[name]._abstract or self.env[name]._transient:
            raise ValidationError(self.env._("%(model)s has no stored records: choose another model.", model=name))
        if _PRIVATE_MODELS.fullmatch(name):
            raise ValidationError(
                self.env._("%(model)s contains secrets or belongs to Telemetry: choose another model.", model=name)
            )
        model = self.env[name]
        if self.kind != "gauge" and (not model._auto or model._table_query):
            raise ValidationError(
                self.env._(
                    "%(model)s is a database view and can't be counted: count its source model, or export a gauge.",
                    model=name,
                )
            )
        return model

    def _transition(self, model):
        """Return (field name, database value) of the state that records enter."""
        name, text = self.state_field_id.name, (self.state_value or "").strip()
        if not name or not text:
            raise ValidationError(self.env._("Choose the state field and its new value."))
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
                "%(field)s has no value %(value)s; allowed: %(allowed)s.",
                field=name,
                value=text,
                allowed=", ".join(allowed.get(field.type) or self._selection_keys(field)),
            )
        )

    def _selection_keys(self, field):
        return [str(key) for key in field.get_values(self.env)]

    def _aggregated_field(self, model, aggregate):
        name = self.value_field_id.name
        field = name and self._public_field(model, name)
        is_stored = field and field.store and not field.company_dependent
        if aggregate in _AGES:
            if not is_stored or field.type not in _DATES:
                raise ValidationError(self.env._("Choose a stored date to measure the age of."))
        elif not is_stored or field.type not in _NUMBERS:
            raise ValidationError(
                self.env._('Choose a stored numeric field as the value field, or the aggregation "Number of records".')
            )
        return name

    def _bounds(self):
        """Return the upper bounds of the buckets, a tuple of float."""
        try:
            bounds = tuple(map(float, (self.buckets or "").split(",")))
        except ValueError:
            bounds = ()
        if (
            not 1 <= len(bounds) <= MOST_BUCKETS
            or bounds != tuple(sorted(set(bounds)))
            or not all(map(isfinite, bounds))
        ):
            raise ValidationError(
                self.env._(
                    "%(buckets)s can't be buckets: write at most %(most)d upper bounds, the smallest first, such as "
                    "10, 100, 1000.",
                    buckets=self.buckets or "",
                    most=MOST_BUCKETS,
                )
            )
        return bounds

    def _dimensions(self, model, buckets):
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
            if limit < 0:
                raise ValidationError(
                    self.env._(
                        "The limit of %(label)s is %(limit)d: set a positive number, or 0 for an automatic limit.",
                        label=label,
                        limit=limit,
                    )
                )
            dimensions.append(Dimension(field.name, label, limit, tuple(values), tuple(raw)))
        given = [dimension for dimension in dimensions if dimension.limit]
        fitting = _fitting(MOST_SERIES // _series_of(given, buckets), len(dimensions) - len(given))
        return tuple(dimension if dimension.limit else replace(dimension, limit=fitting) for dimension in dimensions)

    def _check_stored(self, field):
        if not field.store or field.company_dependent:
            raise ValidationError(
                self.env._(
                    "%(field)s can't be a label or a state: it is not stored in the model's table.", field=field.name
                )
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
        """Refuse a field in a domain if it could select one person, or be used to guess a text.

        :raises ValidationError: as in :meth:`_check_impersonal`
        """
        is_reference = field.comodel_name in _REFERENCES or (
            field.model_name in _REFERENCES and field.name in ("id", "name", "code")
        )
        is_set = field.type == "many2one" and operator in ("=", "!=") and value is False
        if not (is_reference or is_set or (field.type in _FILTERED and field.name != "id")):
            raise ValidationError(
                self.env._(
                    "%(field)s (%(kind)s) can't be in the filter: its values may be personal data. Filter by a "
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
                    "%(domain)s is not a valid filter: write a domain of literal values, such as "
                    "[('state', '=', 'done')]. %(reason)s",
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
            raise ValueError(self.env._("It must be a list."))
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
            raise ValueError(self.env._("%(condition)s is not a condition.", condition=repr(condition)))
        path, operator, value = condition
        if operator == "=" and path in (0, 1) and value == 1:
            return
        if not isinstance(path, str) or operator not in _OPERATORS:
            raise ValueError(self.env._("%(condition)s is not a condition.", condition=repr(condition)))
        field = self._public_field(model, path)
        if operator in ("any", "not any") and field.comodel_name:
            self._check_domain(self.env[field.comodel_name], value)
            return
        self._check_filter(field, operator, value)
        constants = value if isinstance(value, list | tuple) else [value]
        if field.type in _DATES:
            self._check_dates(field, constants)
        if not all(isinstance(constant, str | int | float | None) for constant in constants):
            raise ValueError(self.env._("%(value)s is not a literal value.", value=repr(value)))

    def _check_dates(self, field, constants):
        """Refuse what is not a fixed date: Odoo 19.0 accepts 'today -7d', Odoo 18.0 does not.

        :raises ValidationError: says how a date is written
        """
        for constant in constants:
            if constant and not _is_date(constant):
                raise ValidationError(
                    self.env._(
                        "%(field)s can't be compared with %(value)s: write a date as 2026-01-31, or with its time in "
                        "UTC as 2026-01-31 08:00:00. A relative date can't be in the filter; to measure how old "
                        "records are, choose the aggregation “Age of the oldest” or “Age of the newest”.",
                        field=field.name,
                        value=constant,
                    )
                )

    def _public_field(self, model, path):
        """Return the field at the end of ``path`` (str, names with dots) from ``model``.

        :raises ValidationError: if a field on the path does not exist, is private, or can't be searched.
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
                        "%(path)s can't be measured: it is private to some groups, a secret, or not stored in the "
                        "database.",
                        path=path,
                    )
                )
            model = self.env[field.comodel_name] if field.comodel_name else None
        return field


def _series_of(dimensions, buckets):
    """Return how many series ``dimensions`` allow, with a histogram's ``buckets``; each label may be 'other', too."""
    return prod(len(dimension.values) or dimension.limit + 1 for dimension in dimensions) * (len(buckets) + 1)


def _fitting(most, number):
    """Return how many values, beside 'other', each of ``number`` labels may have for at most ``most`` series."""
    return max((limit for limit in range(1, _LARGEST_FITTING + 1) if (limit + 1) ** number <= most), default=1)


def _is_date(constant):
    try:
        return bool(_DATE.fullmatch(constant) and datetime.fromisoformat(constant))
    except (TypeError, ValueError):
        return False


def _names_nobody(field):
    return field.type in _CHOICES or (field.type == "many2one" and field.comodel_name in _REFERENCES)


def _kind(field):
    return f"{field.type}: {field.comodel_name}" if field.comodel_name else field.type
