"""Odoo Models and Methods: latency and load by model and method, of calls over RPC."""

from .. import fleet, variables
from ..fleet import DATABASE as _DATABASE
from ..fleet import INSTANCE as _INSTANCE
from ..frame import Page
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, SYSTEM, Query, or_zero
from . import SERVICES

_CALLS, _DURATION = "odoo_rpc_calls_total", "odoo_rpc_duration_seconds"
_ERROR = 'outcome="error"'
_NO_CALLS = "No RPC calls in this range, no data from Odoo, or RPC metrics disabled (Settings, Telemetry)."
_METHOD = "{{model}} {{method}}"


def _total(by: str) -> str:
    """Return the seconds that calls took in the time range of the page, the most first."""
    return f"topk(5, sum by ({by}) {fleet.increase(f'{_DURATION}_sum', '$__range')} > 0)"


def _slowest(by: str) -> str:
    return f"topk(5, {fleet.quantile(0.95, _DURATION, f'le, {by}')})"


_OVERVIEW = (
    stat(
        "RPC request rate",
        Query(f"sum(rate({_CALLS}{{{_DATABASE}}}[$__rate_interval]))", interval=SYSTEM),
        "reqps",
        description="RPC calls of the web client and of other programs, on average over the last minutes.",
        no_value=_NO_CALLS,
        decimals=1,
    ),
    stat(
        "RPC latency p95",
        Query(fleet.quantile(0.95, _DURATION, "le"), interval=BUSINESS),
        "s",
        description="p95 of the time to answer an RPC call, in the dashboard time range. The slowest models and "
        "methods are below.",
        no_value=_NO_CALLS,
        decimals=2,
    ),
    stat(
        "RPC latency p50",
        Query(fleet.quantile(0.5, _DURATION, "le"), interval=BUSINESS),
        "s",
        description="p50 of the time to answer an RPC call, in the dashboard time range. If it rises as well as the "
        "p95, all methods are slow: check CPU and PostgreSQL first.",
        no_value=_NO_CALLS,
        decimals=2,
    ),
    stat(
        "RPC workers",
        Query(f"sum(rate({_DURATION}_sum{{{_DATABASE}}}[$__rate_interval]))", interval=SYSTEM),
        "none",
        description="Workers busy with RPC calls, on average over the last minutes. When it approaches the number of "
        "workers, requests queue.",
        no_value=_NO_CALLS,
        decimals=2,
        runbooks=("OdooRequestQueueLong",),
    ),
    stat(
        "Failed calls (15 m)",
        Query(
            or_zero(
                f"sum(increase({_CALLS}{{{_ERROR}, {_DATABASE}}}[15m]))",
                f"odoo_workers_configured{{{_INSTANCE}}}",
            ),
            interval=SYSTEM,
        ),
        "none",
        description="RPC calls that raised an exception: rejected input, missing access rights, and errors in code. "
        "Unhandled errors are on the dashboard Odoo System Health.",
        no_value="No data from Odoo: see Telemetry Self-Health, Targets down.",
        decimals=0,
        links={"Errors": "odoo-system-health"},
        mappings=NONE,
    ),
    stat(
        "RPC methods",
        Query(f'max(odoo_telemetry_label_values{{label="rpc_call", {_DATABASE}}})', interval=SYSTEM),
        "none",
        description="Methods with their own series, in the database with the most; the `other` of a model counts as "
        "one. From 70% of the limit in Settings, Telemetry, further methods are aggregated as `other` of their model.",
        no_value=_NO_CALLS,
        decimals=0,
        runbooks=("LabelOverflow",),
    ),
)

_MODELS = (
    bar_gauge(
        "Slowest models (p95)",
        [Query(_slowest("model"), "{{model}}", BUSINESS)],
        "s",
        description="The five models with the highest p95 in the dashboard time range. Users wait for these.",
        no_value=_NO_CALLS,
    ),
    bar_gauge(
        "Models by total time",
        [Query(_total("model"), "{{model}}", BUSINESS)],
        "s",
        description="The five models whose calls took the most time in total, in the dashboard time range. They keep "
        "workers busy: a fast method that is called often counts too.",
        no_value=_NO_CALLS,
    ),
)

_METHODS = (
    bar_gauge(
        "Slowest methods (p95)",
        [Query(_slowest("model, method"), _METHOD, BUSINESS)],
        "s",
        description="The five methods with the highest p95 in the dashboard time range. Trace one, or profile it with "
        "Odoo's profiler.",
        no_value=_NO_CALLS,
    ),
    bar_gauge(
        "Methods by total time",
        [Query(_total("model, method"), _METHOD, BUSINESS)],
        "s",
        description="The five methods whose calls took the most time in total, in the dashboard time range.",
        no_value=_NO_CALLS,
    ),
)

_TIME = (
    time_series(
        "RPC latency",
        [
            Query(fleet.latency(0.95, _DURATION, exemplars=True), "p95", BUSINESS, exemplars=True),
            Query(fleet.latency(0.5, _DURATION), "p50", BUSINESS),
        ],
        "s",
        width=12,
        description="Time to answer an RPC call, over 5 minutes. Each diamond is a single call and links to its trace.",
        no_value=_NO_CALLS,
    ),
    time_series(
        "Failed calls per minute by model",
        [
            Query(
                f"topk(5, 60 * sum by (model) {fleet.rate(_CALLS, '$__rate_interval', _ERROR)} > 0)",
                "{{model}}",
                SYSTEM,
            )
        ],
        "none",
        width=12,
        description="RPC calls that raised an exception, of the five models with the most. Methods that never "
        "succeeded are aggregated as `other`.",
        no_value="No failed calls in the selected time range, or no data from Odoo.",
    ),
)

PAGE = Page(
    uid="odoo-models",
    title="Odoo Models and Methods",
    audience="Platform Administrators, Developers",
    summary="Latency and load by model and method, of calls over RPC.",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.instance, variables.database),
    rows={"Overview": _OVERVIEW, "Models": _MODELS, "Methods": _METHODS, "Latency and errors": _TIME},
)
