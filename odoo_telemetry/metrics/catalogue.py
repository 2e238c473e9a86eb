"""Every metric, once: what the exporter serves.

``METRICS`` are the series. Here are those of Odoo itself and of the exporter; other addons declare theirs with
:func:`declare`, and what else they measure of their own with the functions beside it. They may do so at any time, also
after this package was loaded: when their own module is imported.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .settings import THRESHOLDS

PAGE_LOAD_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
INTERACTION_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5)
PAINT_BUCKETS = (0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10)
SHIFT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1)
"""Around the bounds of a good and a poor page: 2.5 and 4 s, 0.1 and 0.25; https://web.dev/articles/vitals."""

JOB_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


class Values(list):
    """The values of a label with a closed list to which other addons may append.

    It is one of its kind, whatever is in it, so a label that has it can be compared and hashed.
    """

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__


@dataclass(frozen=True)
class Label:
    """A label with its bound: a closed list of ``values``, or room for ``limit`` values; others become ``other``.

    Labels of one name share their room, unless ``room`` names another one.
    """

    name: str
    values: Iterable = ()
    limit: int = 50
    room: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows that are facts: records of ``model`` in ``domain``; ``labels`` are their values for the metric's labels.

    Each label value is a constant, or ``'.column'``: the value of that column of the row; ``'.column.other'`` is that
    of the row which the column refers to.

    value: what each fact adds: a column, or a pair of datetime columns for the seconds between them; '' to count.
    at: datetime columns, the first that has a value says when the fact happened; the facts of the last week are then
        kept by 5 minutes as well.
    distinct: a column whose distinct values of a day (UTC) are counted, instead of rows.
    starts: these rows are no facts, they only make the series of their labels start at 0.
    """

    model: str
    domain: tuple = ()
    labels: tuple = ()
    value: object = ""
    at: tuple = ()
    distinct: str = ""
    starts: bool = False


@dataclass(frozen=True)
class Metric:
    """One metric family.

    name: series name; a counter's ends in ``_total``.
    kind: 'counter', 'histogram' or 'gauge'.
    scope: 'database' if each database has its own series, 'instance' if they belong to the whole server.
    group: 'fast' (scraped every 10 s), 'system' (30 s) or 'business' (60 s).
    producer: who exposes it: 'odoo', 'browser', or another program by its name.
    merge: how workers' values of a gauge become one: 'sum' and 'max' are of the live ones, 'latest' of all.
    rows: of a metric of facts, a tuple of :class:`Rows`. A counter counts the rows that ever were facts, a histogram
        observes the value of each; a gauge is the number of rows that are facts now, the mean of their values over
        ``window`` seconds, or the number of distinct values today.
    """

    name: str
    kind: str
    help: str
    labels: tuple = ()
    unit: str = ""
    buckets: tuple = ()
    scope: str = "database"
    group: str = "business"
    producer: str = "odoo"
    merge: str = "latest"
    rows: tuple = ()
    window: int = 0

    @property
    def is_audited(self):
        """Whether its values are numbers of rows that can be counted again: the audit compares them with the ledger."""
        if not self.rows:
            return False
        return self.kind == "counter" or (self.kind == "gauge" and not self.window and not self.rows[0].distinct)


def bounds(metric):
    """Return the upper bounds of the buckets of a histogram (:class:`Metric`) as floats, the last one infinite."""
    return (*map(float, metric.buckets), float("inf"))


ROLE = Label("user_role", Values(("public", "portal", "user", "admin", "system", "unknown")))
ROUTE = Label("route", limit=500)
UI_ROUTE = Label("route", limit=500, room="ui_route")
METHOD = Label("method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
STATUS = Label("status_code_class", STATUS_CLASSES)
WORKER_KIND = Label("kind", ("http", "gevent", "cron", "threaded", "master", "other"))
LISTENER = Label("listener", ("http", "gevent"))
JOB = Label("cron", limit=100)
ERROR_CLASS = Label("error_class", limit=50)
INTERACTION = Label(
    "interaction_name", Values(("open_form", "switch_view", "search", "save", "press_button", "log_in"))
)
THRESHOLD = Label("name", Values(THRESHOLDS))

METRICS = {}
"""All metric families by name."""
BOUNDS = {}
"""The upper bounds of the buckets of all histograms by name, as of :func:`bounds`."""
LIVE = set()
"""The names of the gauges whose values end with the process that set them."""
ROLES = [
    ("admin", "base.group_system"),
    ("user", "base.group_user"),
    ("portal", "base.group_portal"),
    ("public", "base.group_public"),
]
"""Role and the external id of the group that makes it; the first that a user is in counts."""
SPAN_ATTRIBUTES = {
    "db.namespace", "error.type", "http.request.method", "http.response.status_code", "http.route", "server.address",
    "server.port",
}  # fmt: skip
"""The attributes of spans that leave the process. Addresses with their queries, and texts of exceptions, do not."""
OBSERVERS = set()
"""The packages of the addons that only observe: an error that passes through an override of theirs is another's."""


def declare(*metrics):
    """Have :class:`Metric` objects counted and exported.

    :raises ValueError: when there is another one of a name
    """
    for metric in metrics:
        if METRICS.get(metric.name, metric) != metric:
            raise ValueError(f"there is another metric {metric.name}")
        METRICS[metric.name] = metric
        if metric.kind == "histogram":
            BOUNDS[metric.name] = bounds(metric)
        if metric.merge in ("sum", "max"):
            LIVE.add(metric.name)


def declare_role(role, group, before="user"):
    """Distinguish the users of ``group`` (external id) by the label ``user_role``: they have ``role`` (str).

    A user of several groups has the role that comes first.

    :param str before: the role before which this one comes; users of those before ``user`` have the web client
    :raises ValueError: when there is no such role
    """
    known = [name for name, _group in ROLES]
    if before not in known:
        raise ValueError(f"there is no role {before}")
    if (role, group) not in ROLES:
        ROLES.insert(known.index(before), (role, group))
    _append(ROLE, role)


def internal_roles():
    """Return the set of the roles whose users have the web client: ``user``, and those that come before it."""
    roles = [role for role, _group in ROLES]
    return set(roles[: roles.index("user") + 1])


def declare_interactions(*names):
    """Take measurements of the interactions ``names`` from browsers; what they are, JavaScript says."""
    _append(INTERACTION, *names)


def declare_threshold(name, default):
    """Let an administrator set the threshold ``name`` for alerts to compare with: a number (int), ``default`` at first.

    The setting is the field ``telemetry_<name>_threshold`` of ``res.config.settings``.
    """
    THRESHOLDS[name] = default
    _append(THRESHOLD, name)


def declare_span_attributes(*names):
    """Let the attributes ``names`` of spans leave the process: nothing about a person may be in them."""
    SPAN_ATTRIBUTES.update(names)


def declare_observer(package):
    """Attribute no error to ``package`` (str) that an override in it only passes on from what it observes."""
    OBSERVERS.add(package)


def _append(label, *values):
    label.values.extend(value for value in values if value not in label.values)


RUNTIME = (
    Metric(
        "odoo_http_requests_total", "counter", "HTTP requests answered.", (ROUTE, METHOD, STATUS, ROLE), group="system"
    ),
    Metric(
        "odoo_http_request_duration_seconds",
        "histogram",
        "Time to answer an HTTP request.",
        (ROUTE, METHOD, STATUS),
        "seconds",
        REQUEST_BUCKETS,
        group="system",
    ),
    Metric(
        "odoo_http_request_sql_statements_total",
        "counter",
        "SQL statements sent while answering HTTP requests.",
        (ROUTE,),
        group="system",
    ),
    Metric(
        "odoo_http_request_sql_seconds_total",
        "counter",
        "Time spent in SQL while answering HTTP requests.",
        (ROUTE,),
        "seconds",
        group="system",
    ),
    Metric(
        "odoo_application_errors_total",
        "counter",
        "Unhandled errors in Odoo's log.",
        (
            Label("error_type", ("python_exception", "orm_error", "controller_error")),
            ERROR_CLASS,
            Label("module_name", limit=50),
        ),
        group="system",
        scope="instance",
    ),
    Metric(
        "odoo_orm_cache_hits_total",
        "counter",
        "Look-ups that Odoo's ORM cache answered.",
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_orm_cache_misses_total",
        "counter",
        "Look-ups that Odoo's ORM cache could not answer.",
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_workers_configured",
        "gauge",
        "Worker processes that the configuration asks for.",
        (WORKER_KIND,),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_workers_active",
        "gauge",
        "Worker processes that are alive.",
        (WORKER_KIND,),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_workers_busy",
        "gauge",
        "Worker processes that are answering a request or running a job.",
        (WORKER_KIND,),
        scope="instance",
        group="system",
        merge="sum",
    ),
    Metric(
        "odoo_workers_recycled_total",
        "counter",
        "Worker processes that took the place of one that had ended.",
        (WORKER_KIND,),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_worker_cpu_seconds_total",
        "counter",
        "CPU time of worker processes, ended ones included.",
        (WORKER_KIND,),
        "seconds",
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_worker_resident_memory_bytes",
        "gauge",
        "Resident memory of a live worker process.",
        (Label("slot", limit=256), WORKER_KIND),
        "bytes",
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_request_queue_length",
        "gauge",
        "Connections that wait in the kernel for an Odoo worker.",
        (LISTENER,),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_request_queue_limit",
        "gauge",
        "Connections that may wait in the kernel for an Odoo worker.",
        (LISTENER,),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_request_queue_overflows_total",
        "counter",
        "Connections refused because too many waited for an Odoo worker.",
        (LISTENER,),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_concurrent_users", "gauge", "Distinct users seen within the configured window.", (ROLE,), group="system"
    ),
    Metric("odoo_cron_runs_total", "counter", "Scheduled jobs run.", (JOB,), group="system"),
    Metric("odoo_cron_failures_total", "counter", "Scheduled jobs that failed.", (JOB,), group="system"),
    Metric(
        "odoo_cron_duration_seconds",
        "histogram",
        "Time to run a scheduled job.",
        (JOB,),
        "seconds",
        JOB_BUCKETS,
        group="system",
    ),
    Metric(
        "odoo_cron_lateness_seconds",
        "histogram",
        "Time between a job's due time and its start.",
        (JOB,),
        "seconds",
        JOB_BUCKETS,
        group="system",
    ),
    Metric(
        "odoo_ui_page_load_time_seconds",
        "histogram",
        "Time to load a page, or to open an action or a view in the web client, as the browser measured it.",
        (UI_ROUTE, ROLE),
        "seconds",
        PAGE_LOAD_BUCKETS,
        group="system",
        producer="browser",
    ),
    Metric(
        "odoo_ui_interaction_latency_seconds",
        "histogram",
        "Time of a key interaction, as the browser measured it.",
        (INTERACTION, ROLE),
        "seconds",
        INTERACTION_BUCKETS,
        group="system",
        producer="browser",
    ),
    Metric(
        "odoo_ui_largest_contentful_paint_seconds",
        "histogram",
        "Time until the largest part of a page was drawn (LCP).",
        (ROLE,),
        "seconds",
        PAINT_BUCKETS,
        group="system",
        producer="browser",
    ),
    Metric(
        "odoo_ui_interaction_to_next_paint_seconds",
        "histogram",
        "Time from an input to the next picture, of the slowest inputs of a page (INP).",
        (ROLE,),
        "seconds",
        INTERACTION_BUCKETS,
        group="system",
        producer="browser",
    ),
    Metric(
        "odoo_ui_cumulative_layout_shift",
        "histogram",
        "How much a page moved under its reader's eyes (CLS), without a unit.",
        (ROLE,),
        "",
        SHIFT_BUCKETS,
        group="system",
        producer="browser",
    ),
)

EXPORTER = (
    Metric(
        "odoo_telemetry_errors_total",
        "counter",
        "Failures of telemetry itself; each cost a value or a reading, never a request.",
        (
            Label(
                "reason",
                (
                    "directory",
                    "disk",
                    "damaged",
                    "metric",
                    "label",
                    "value",
                    "settings",
                    "scrape",
                    "database",
                    "ledger",
                    "instrumentation",
                    "presence",
                    "unauthorized",
                    "tracing",
                    "own_metric",
                ),
            ),
        ),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_telemetry_browser_batches_refused_total",
        "counter",
        "Batches of browsers' measurements that were refused.",
        (Label("reason", ("off", "origin", "size", "token", "malformed", "rate")),),
        scope="instance",
        group="system",
    ),
    Metric("odoo_telemetry_threshold", "gauge", "What an administrator set for alerts to compare with.", (THRESHOLD,)),
    Metric(
        "odoo_telemetry_labels_folded_total",
        "counter",
        "Label values replaced by 'other'.",
        (Label("label", limit=60),),
        scope="instance",
        group="system",
    ),
    Metric(
        "odoo_telemetry_label_values",
        "gauge",
        "Values that a label has taken.",
        (Label("label", limit=60),),
        group="system",
    ),
    Metric("odoo_telemetry_ledger_backlog", "gauge", "Ledger entries that are not rolled up yet."),
    Metric(
        "odoo_telemetry_facts_carried_over_total",
        "counter",
        "Facts that a database restored to an older state no longer holds, and that its counters keep.",
        (Label("fact", limit=60),),
    ),
    Metric(
        "odoo_telemetry_audit_missing_rows",
        "gauge",
        "Rows that are facts but not in the ledger, by the last complete audit.",
        (Label("fact", limit=60),),
    ),
    Metric(
        "odoo_telemetry_audit_extra_rows",
        "gauge",
        "Rows that are in the ledger but no longer there, by the last complete audit.",
        (Label("fact", limit=60),),
    ),
    Metric(
        "odoo_telemetry_audit_progress_ratio",
        "gauge",
        "Share of the rows that the current audit has compared with the ledger, 0 to 1.",
        (Label("fact", limit=60),),
    ),
    Metric(
        "odoo_telemetry_audit_completed_timestamp_seconds",
        "gauge",
        "When the last complete audit of a fact ended; 0 if there was none.",
        (Label("fact", limit=60),),
        "seconds",
    ),
    Metric(
        "odoo_telemetry_database_read_age_seconds",
        "gauge",
        "Age of the values that were read from the database.",
        unit="seconds",
    ),
    Metric(
        "odoo_telemetry_database_read_duration_seconds",
        "gauge",
        "Time that the last reading of the database took.",
        unit="seconds",
    ),
    Metric(
        "odoo_telemetry_scrape_duration_seconds",
        "gauge",
        "Time to collect this answer.",
        (),
        "seconds",
        scope="instance",
        group="system",
    ),
    Metric("odoo_telemetry_series", "gauge", "Samples in the shared store.", (), scope="instance", group="system"),
    Metric(
        "odoo_telemetry_slots", "gauge", "Worker slots ever made in the shared store.", scope="instance", group="system"
    ),
)

declare(*RUNTIME, *EXPORTER)
