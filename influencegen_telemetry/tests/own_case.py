"""What the tests of own metrics share."""

from odoo.addons.influencegen.compat import USER_GROUPS

from ..metrics import store


def reader(env, *groups):
    """Return the telemetry reader, with the groups of these external ids and no others."""
    user = env.ref("influencegen_telemetry.own_metric_reader")
    user[USER_GROUPS] = [(6, 0, [env.ref(group).id for group in groups])]
    return user


def define(env, name, model, dimensions=(), **values):
    """Create an own metric of ``model`` (str); each dimension is a field's name, or (name, limit)."""
    fields = env["ir.model.fields"]
    lines = [dimension if isinstance(dimension, tuple) else (dimension, 20) for dimension in dimensions]
    return env["influencegen.telemetry.own.metric"].create({
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
    })


def read(env, series):
    """Read the own metrics on the cursor of ``env``; return the :class:`OwnMetric` of ``series``, or None."""
    env["influencegen.telemetry.own.reading"]._read_database()
    return store.own(env.cr.dbname).metrics.get(series)


def values(env, series):
    """Read the own metrics on the cursor of ``env``; return {label values: value} of ``series``."""
    own = read(env, series)
    return {tuple(labels): value for labels, value in own.series} if own else {}


def errors():
    """Return how many failures of own metrics were counted."""
    return store.read()[0].get(("influencegen_telemetry_errors_total", None, ("own_metric",), ""), 0)
