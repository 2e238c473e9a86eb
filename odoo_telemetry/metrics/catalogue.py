"""Every metric of Odoo and of the exporter, and what else an addon may declare.

A metric is an object of :mod:`.instruments`: other addons declare theirs in a module of their own, and what else they
measure with the functions here. They may do so at any time, also after this package was loaded: when their own module
is imported.
"""

from .errors import NAME as _ERRORS
from .errors import REASONS
from .instruments import Counter, Gauge, Histogram
from .metric import METRICS, Label, Metric, Rows, Values, section
from .settings import THRESHOLDS, Settings
from .writer import FOLDED

__all__ = ["METRICS", "Counter", "Gauge", "Histogram", "Label", "Metric", "Rows", "Values", "section"]

PAGE_LOAD_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
INTERACTION_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5)
PAINT_BUCKETS = (0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10)
SHIFT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1)
"""Around the bounds of a good and a poor page: 2.5 and 4 s, 0.1 and 0.25; https://web.dev/articles/vitals."""

JOB_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")

_ROLE_NAMES = Values(("public", "portal", "user", "admin", "system", "unknown"))
_INTERACTIONS = Values(("open_form", "switch_view", "search", "save", "press_button", "log_in"))
_THRESHOLD_NAMES = Values(THRESHOLDS)

ROLE = Label("user_role", _ROLE_NAMES)
ROUTE = Label("route", limit=500)
UI_ROUTE = Label("route", limit=500, room="ui_route")
METHOD = Label("method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
STATUS = Label("status_code_class", STATUS_CLASSES)
WORKER_KIND = Label("kind", ("http", "gevent", "cron", "threaded", "master", "other"))
LISTENER = Label("listener", ("http", "gevent"))
JOB = Label("cron", limit=100)
ERROR_CLASS = Label("error_class", limit=50)
INTERACTION = Label("interaction_name", _INTERACTIONS)
THRESHOLD = Label("name", _THRESHOLD_NAMES)

MODULES: dict[str, str] = {}
"""The module that a metric belongs to, by the metric's name; what belongs to none is in every database."""
THRESHOLD_MODULES: dict[str, str] = {}
"""The same of thresholds."""
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
OBSERVERS: set[str] = set()
"""The packages of the addons that only observe: an error that passes through an override of theirs is another's."""


def declare_module(module: str, *metrics: Metric) -> None:
    """Have only the databases where ``module`` (of Odoo) is installed export ``metrics``; those of an instance always.

    A metric without a module is exported by all databases.
    """
    MODULES.update({metric.name: module for metric in metrics})


def is_exported(metric: Metric, settings: Settings) -> bool:
    """Return whether the database with these settings exports ``metric``."""
    return _is_installed(MODULES.get(metric.name), settings)


def is_threshold_exported(name: str, settings: Settings) -> bool:
    """Return whether the database with these settings exports the threshold ``name``."""
    return _is_installed(THRESHOLD_MODULES.get(name), settings)


def _is_installed(module: str | None, settings: Settings) -> bool:
    return module is None or settings.modules is None or module in settings.modules


def declare_role(role: str, group: str, before: str = "user") -> None:
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
    _append(_ROLE_NAMES, role)


def internal_roles() -> set[str]:
    """Return the set of the roles whose users have the web client: ``user``, and those that come before it."""
    roles = [role for role, _group in ROLES]
    return set(roles[: roles.index("user") + 1])


def declare_interactions(*names: str) -> None:
    """Take measurements of the interactions ``names`` from browsers; what they are, JavaScript says."""
    _append(_INTERACTIONS, *names)


def declare_threshold(name: str, default: int, module: str | None = None) -> None:
    """Let an administrator set the threshold ``name`` for alerts to compare with: a number (int), ``default`` at first.

    The setting is the field ``telemetry_<name>_threshold`` of ``res.config.settings``.

    :param module: only the databases where this module (of Odoo) is installed export it; None for all databases
    """
    THRESHOLDS[name] = default
    if module is not None:
        THRESHOLD_MODULES[name] = module
    _append(_THRESHOLD_NAMES, name)


def declare_span_attributes(*names: str) -> None:
    """Let the attributes ``names`` of spans leave the process: nothing about a person may be in them."""
    SPAN_ATTRIBUTES.update(names)


def declare_observer(package: str) -> None:
    """Attribute no error to ``package`` (str) that an override in it only passes on from what it observes."""
    OBSERVERS.add(package)


def _append(known: Values, *values: str) -> None:
    known.extend(value for value in values if value not in known)


HTTP_REQUESTS = Counter(
    "odoo_http_requests_total", "HTTP requests answered.", labels=(ROUTE, METHOD, STATUS, ROLE), group="system"
)
HTTP_REQUEST_DURATION = Histogram(
    "odoo_http_request_duration_seconds",
    "Time to answer an HTTP request.",
    labels=(ROUTE, METHOD, STATUS),
    buckets=REQUEST_BUCKETS,
    unit="seconds",
    group="system",
)
HTTP_REQUEST_SQL_STATEMENTS = Counter(
    "odoo_http_request_sql_statements_total",
    "SQL statements sent while answering HTTP requests.",
    labels=(ROUTE,),
    group="system",
)
HTTP_REQUEST_SQL_SECONDS = Counter(
    "odoo_http_request_sql_seconds_total",
    "Time spent in SQL while answering HTTP requests.",
    labels=(ROUTE,),
    unit="seconds",
    group="system",
)
APPLICATION_ERRORS = Counter(
    "odoo_application_errors_total",
    "Unhandled errors in Odoo's log.",
    labels=(
        Label("error_type", ("python_exception", "orm_error", "controller_error")),
        ERROR_CLASS,
        Label("module_name", limit=50),
    ),
    scope="instance",
    group="system",
)
ORM_CACHE_HITS = Counter(
    "odoo_orm_cache_hits_total", "Look-ups that Odoo's ORM cache answered.", scope="instance", group="system"
)
ORM_CACHE_MISSES = Counter(
    "odoo_orm_cache_misses_total", "Look-ups that Odoo's ORM cache could not answer.", scope="instance", group="system"
)
WORKERS_CONFIGURED = Gauge(
    "odoo_workers_configured",
    "Worker processes that the configuration asks for.",
    labels=(WORKER_KIND,),
    scope="instance",
    group="system",
)
WORKERS_ACTIVE = Gauge(
    "odoo_workers_active", "Worker processes that are alive.", labels=(WORKER_KIND,), scope="instance", group="system"
)
WORKERS_BUSY = Gauge(
    "odoo_workers_busy",
    "Worker processes that are answering a request or running a job.",
    labels=(WORKER_KIND,),
    scope="instance",
    group="system",
    merge="sum",
)
WORKERS_RECYCLED = Counter(
    "odoo_workers_recycled_total",
    "Worker processes that took the place of one that had ended.",
    labels=(WORKER_KIND,),
    scope="instance",
    group="system",
)
WORKER_CPU_SECONDS = Counter(
    "odoo_worker_cpu_seconds_total",
    "CPU time of worker processes, ended ones included.",
    labels=(WORKER_KIND,),
    unit="seconds",
    scope="instance",
    group="system",
)
WORKER_RESIDENT_MEMORY = Gauge(
    "odoo_worker_resident_memory_bytes",
    "Resident memory of a live worker process.",
    labels=(Label("slot", limit=256), WORKER_KIND),
    unit="bytes",
    scope="instance",
    group="system",
)
REQUEST_QUEUE_LENGTH = Gauge(
    "odoo_request_queue_length",
    "Connections that wait in the kernel for an Odoo worker.",
    labels=(LISTENER,),
    scope="instance",
    group="system",
)
REQUEST_QUEUE_LIMIT = Gauge(
    "odoo_request_queue_limit",
    "Connections that may wait in the kernel for an Odoo worker.",
    labels=(LISTENER,),
    scope="instance",
    group="system",
)
REQUEST_QUEUE_OVERFLOWS = Counter(
    "odoo_request_queue_overflows_total",
    "Connections refused because too many waited for an Odoo worker.",
    labels=(LISTENER,),
    scope="instance",
    group="system",
)
CONCURRENT_USERS = Gauge(
    "odoo_concurrent_users", "Distinct users seen within the configured window.", labels=(ROLE,), group="system"
)
CRON_RUNS = Counter("odoo_cron_runs_total", "Scheduled jobs run.", labels=(JOB,), group="system")
CRON_FAILURES = Counter("odoo_cron_failures_total", "Scheduled jobs that failed.", labels=(JOB,), group="system")
CRON_DURATION = Histogram(
    "odoo_cron_duration_seconds",
    "Time to run a scheduled job.",
    labels=(JOB,),
    buckets=JOB_BUCKETS,
    unit="seconds",
    group="system",
)
CRON_LATENESS = Histogram(
    "odoo_cron_lateness_seconds",
    "Time between a job's due time and its start.",
    labels=(JOB,),
    buckets=JOB_BUCKETS,
    unit="seconds",
    group="system",
)
UI_PAGE_LOAD_TIME = Histogram(
    "odoo_ui_page_load_time_seconds",
    "Time to load a page, or to open an action or a view in the web client, as the browser measured it.",
    labels=(UI_ROUTE, ROLE),
    buckets=PAGE_LOAD_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_INTERACTION_LATENCY = Histogram(
    "odoo_ui_interaction_latency_seconds",
    "Time of a key interaction, as the browser measured it.",
    labels=(INTERACTION, ROLE),
    buckets=INTERACTION_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_LARGEST_CONTENTFUL_PAINT = Histogram(
    "odoo_ui_largest_contentful_paint_seconds",
    "Time until the largest part of a page was drawn (LCP).",
    labels=(ROLE,),
    buckets=PAINT_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_INTERACTION_TO_NEXT_PAINT = Histogram(
    "odoo_ui_interaction_to_next_paint_seconds",
    "Time from an input to the next picture, of the slowest inputs of a page (INP).",
    labels=(ROLE,),
    buckets=INTERACTION_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_CUMULATIVE_LAYOUT_SHIFT = Histogram(
    "odoo_ui_cumulative_layout_shift",
    "How much a page moved under its reader's eyes (CLS), without a unit.",
    labels=(ROLE,),
    buckets=SHIFT_BUCKETS,
    group="system",
    producer="browser",
)

RUNTIME = section()
"""Of Odoo itself."""

ERRORS = Counter(
    _ERRORS,
    "Failures of telemetry itself; each cost a value or a reading, never a request.",
    labels=(Label("reason", REASONS),),
    scope="instance",
    group="system",
)
BROWSER_BATCHES_REFUSED = Counter(
    "odoo_telemetry_browser_batches_refused_total",
    "Batches of browsers' measurements that were refused.",
    labels=(Label("reason", ("off", "origin", "size", "token", "malformed", "rate")),),
    scope="instance",
    group="system",
)
THRESHOLD_VALUE = Gauge(
    "odoo_telemetry_threshold", "What an administrator set for alerts to compare with.", labels=(THRESHOLD,)
)
LABELS_FOLDED = Counter(
    FOLDED, "Label values replaced by 'other'.", labels=(Label("label", limit=60),), scope="instance", group="system"
)
LABEL_VALUES = Gauge(
    "odoo_telemetry_label_values", "Values that a label has taken.", labels=(Label("label", limit=60),), group="system"
)
LEDGER_BACKLOG = Gauge("odoo_telemetry_ledger_backlog", "Ledger entries that are not rolled up yet.")
FACTS_CARRIED_OVER = Counter(
    "odoo_telemetry_facts_carried_over_total",
    "Facts that a database restored to an older state no longer holds, and that its counters keep.",
    labels=(Label("fact", limit=60),),
)
AUDIT_MISSING_ROWS = Gauge(
    "odoo_telemetry_audit_missing_rows",
    "Rows that are facts but not in the ledger, by the last complete audit.",
    labels=(Label("fact", limit=60),),
)
AUDIT_EXTRA_ROWS = Gauge(
    "odoo_telemetry_audit_extra_rows",
    "Rows that are in the ledger but no longer there, by the last complete audit.",
    labels=(Label("fact", limit=60),),
)
AUDIT_PROGRESS = Gauge(
    "odoo_telemetry_audit_progress_ratio",
    "Share of the rows that the current audit has compared with the ledger, 0 to 1.",
    labels=(Label("fact", limit=60),),
)
AUDIT_COMPLETED = Gauge(
    "odoo_telemetry_audit_completed_timestamp_seconds",
    "When the last complete audit of a fact ended; 0 if there was none.",
    labels=(Label("fact", limit=60),),
    unit="seconds",
)
DATABASE_READ_AGE = Gauge(
    "odoo_telemetry_database_read_age_seconds", "Age of the values that were read from the database.", unit="seconds"
)
DATABASE_READ_DURATION = Gauge(
    "odoo_telemetry_database_read_duration_seconds", "Time that the last reading of the database took.", unit="seconds"
)
SCRAPE_DURATION = Gauge(
    "odoo_telemetry_scrape_duration_seconds",
    "Time to collect this answer.",
    unit="seconds",
    scope="instance",
    group="system",
)
SERIES = Gauge("odoo_telemetry_series", "Samples in the shared store.", scope="instance", group="system")
SLOTS = Gauge("odoo_telemetry_slots", "Worker slots ever made in the shared store.", scope="instance", group="system")

EXPORTER = section(RUNTIME)
"""Of the exporter."""
