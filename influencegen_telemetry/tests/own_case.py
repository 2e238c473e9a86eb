"""What the tests of custom metrics share."""

from unittest.mock import patch

from ..compat import USER_GROUPS
from ..metrics import facts, store
from ..models import own_reading


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


def read(env, series, rest=0):
    """Read the custom metrics on the cursor of ``env``; return the :class:`OwnMetric` of ``series``, or None.

    :param rest: for so many times as long as it took, a metric is left alone then
    """
    facts.publish(env.cr.dbname, *env["influencegen.telemetry.reading"]._read_facts()[0])
    with patch.object(own_reading, "REST", rest):
        env["influencegen.telemetry.own.reading"]._read_database()
    return store.own(env.cr.dbname).metrics.get(series)


def values(env, series):
    """Read the custom metrics on the cursor of ``env``; return {label values: value} of ``series``."""
    own = read(env, series)
    if own and own.kind == "counter":
        return {labels: value for (_n, _d, labels, _s), value in facts.own_values(env.cr.dbname, [own]).items()}
    return {tuple(labels): value for labels, value in own.series} if own else {}


def errors():
    """Return how many failures of own metrics were counted."""
    return store.read()[0].get(("influencegen_telemetry_errors_total", None, ("own_metric",), ""), 0)
