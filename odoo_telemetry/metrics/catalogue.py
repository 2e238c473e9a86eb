"""Every metric of Odoo and of the exporter, and what else an addon may declare.

A metric is an object of :mod:`.instruments`. Other addons declare their metrics in a module of their own, and roles,
thresholds and the like with the functions here. They may do so when their module is imported, even after this package
was loaded.
"""

from .errors import NAME as _ERRORS
from .errors import REASONS
from .instruments import Counter, Gauge, Histogram
from .metric import METRICS, Label, Metric, Rows, Values, section
from .settings import THRESHOLDS, Settings
from .writer import CAPPED

__all__ = ["METRICS", "Counter", "Gauge", "Histogram", "Label", "Metric", "Rows", "Values", "section"]

PAGE_LOAD_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RPC_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
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
UI_ROUTE = Label("route", limit=500, pool="ui_route")
METHOD = Label("method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
STATUS = Label("status_code_class", STATUS_CLASSES)
WORKER_KIND = Label("kind", ("http", "gevent", "cron", "jobrunner", "threaded", "master", "other"))
LISTENER = Label("listener", ("http", "gevent"))
CONNECTION_POOLS = ("read_write", "read_only")
POOL = Label("pool", CONNECTION_POOLS)
MAX_MODULES = 500
"""Maximum number of modules of a database that are exported, in the order of their names."""
JOB = Label("cron", limit=100)
CHANNEL = Label("channel", limit=50)
JOB_FUNCTION = Label("job_function", limit=100)
RPC_CALL = Label("rpc_call", limit=300)
"""The limit that model and method of RPC calls share: one value is a pair of them."""
RPC_MODEL = Label("model", limit=500)
RPC_METHOD = Label("method", limit=500, pool="rpc_method")
ERROR_CLASS = Label("error_class", limit=50)
INTERACTION = Label("interaction_name", _INTERACTIONS)
BROWSER_ERROR = Label("kind", ("script", "blank"))
THRESHOLD = Label("name", _THRESHOLD_NAMES)

MODULES: dict[str, str] = {}
"""{name of a metric: the module whose databases export it}; all databases export the others."""
THRESHOLD_MODULES: dict[str, str] = {}
"""The same of thresholds."""
ROLES = [
    ("admin", "base.group_system"),
    ("user", "base.group_user"),
    ("portal", "base.group_portal"),
    ("public", "base.group_public"),
]
"""(role, external id of its group); a user has the role of the first group that the user is in."""
SPAN_ATTRIBUTES = {
    "db.collection.name", "db.namespace", "db.operation.name", "db.query.text", "db.response.status_code",
    "db.system.name", "error.type", "http.request.method", "http.response.status_code", "http.route", "odoo.cron",
    "odoo.job.attempt", "odoo.method", "odoo.model", "odoo.spans_left_out", "server.address", "server.port", "url.path",
    "url.scheme",
}  # fmt: skip
"""The attributes of spans that leave the process. URLs with a query string and texts of exceptions do not."""
OBSERVERS: set[str] = set()
"""The packages of addons that only observe: errors are not attributed to them, see :func:`declare_observer`."""


def declare_module(module: str, *metrics: Metric) -> None:
    """Export ``metrics`` only for databases in which the Odoo module ``module`` is installed.

    Metrics of the scope 'instance' are always exported, and so are metrics without a module.
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
    """Give the users of ``group`` (external id) the value ``role`` (str) of the label ``user_role``.

    A user of several groups has the role that comes first.

    :param str before: the role before which this one comes; users with the role ``user``, or one before it, have
        the web client
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
    """Accept measurements of the interactions ``names`` from browsers; JavaScript defines what they are."""
    _append(_INTERACTIONS, *names)


def declare_threshold(name: str, default: int, module: str | None = None) -> None:
    """Declare the alert threshold ``name``, which administrators can set; ``default`` (int) until they do.

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
    """Do not attribute errors to ``package`` (str) if its overrides only pass them on from ``super()``."""
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
RPC_CALLS = Counter(
    "odoo_rpc_calls_total",
    "RPC calls of model methods, by the web client and other clients.",
    labels=(RPC_MODEL, RPC_METHOD, Label("outcome", ("ok", "error"))),
    group="system",
)
RPC_DURATION = Histogram(
    "odoo_rpc_duration_seconds",
    "Time to answer a request that is an RPC call.",
    labels=(RPC_MODEL, RPC_METHOD),
    buckets=RPC_BUCKETS,
    unit="seconds",
    group="system",
)
APPLICATION_ERRORS = Counter(
    "odoo_application_errors_total",
    "Unhandled errors in Odoo, except those that were answered with a 4xx status.",
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
    "Requests and scheduled actions in progress in worker processes; an http worker has one at a time.",
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
CONNECTION_POOL_USED = Gauge(
    "odoo_connection_pool_used",
    "Connections to PostgreSQL that are in use, of all processes.",
    labels=(POOL,),
    scope="instance",
    group="system",
    merge="sum",
)
CONNECTION_POOL_IDLE = Gauge(
    "odoo_connection_pool_idle",
    "Connections to PostgreSQL that are open and not in use, of all processes.",
    labels=(POOL,),
    scope="instance",
    group="system",
    merge="sum",
)
CONNECTION_POOL_LIMIT = Gauge(
    "odoo_connection_pool_limit",
    "Connections to PostgreSQL that all processes together may open: db_maxconn for each process "
    "(db_maxconn_gevent, if set, for the gevent worker).",
    labels=(POOL,),
    scope="instance",
    group="system",
    merge="sum",
)
CONNECTION_POOL_UTILIZATION = Gauge(
    "odoo_connection_pool_utilization_percent",
    "Connections in use as a percentage of the process's limit, in the process where it is highest.",
    labels=(POOL,),
    unit="percent",
    scope="instance",
    group="system",
    merge="max",
)
CONNECTION_POOL_EXHAUSTED = Counter(
    "odoo_connection_pool_exhausted_total",
    "Cursors that failed because all connections that the process may open were in use.",
    labels=(POOL,),
    scope="instance",
    group="system",
)
WEBSOCKETS_OPEN = Gauge(
    "odoo_websockets_open", "Open websockets, of all processes.", scope="instance", group="system", merge="sum"
)
BUS_CHANNELS = Gauge(
    "odoo_bus_channels",
    "Channels of the bus that open websockets listen to, of all processes.",
    scope="instance",
    group="system",
    merge="sum",
)
ODOO_INFO = Gauge(
    "odoo_info",
    "Version of Odoo; always 1.",
    labels=(Label("version", limit=1), Label("series", limit=1), Label("python_version", limit=1)),
    scope="instance",
    group="system",
)
MODULE_INFO = Gauge(
    "odoo_module_info",
    "Version of an installed module; always 1.",
    labels=(Label("module", limit=MAX_MODULES), Label("version", limit=MAX_MODULES, pool="module_version")),
)
CONCURRENT_USERS = Gauge(
    "odoo_concurrent_users", "Distinct users seen within the configured window.", labels=(ROLE,), group="system"
)
CRON_RUNS = Counter("odoo_cron_runs_total", "Runs of scheduled actions.", labels=(JOB,), group="system")
CRON_FAILURES = Counter("odoo_cron_failures_total", "Failed runs of scheduled actions.", labels=(JOB,), group="system")
CRON_DURATION = Histogram(
    "odoo_cron_duration_seconds",
    "Time to run a scheduled action.",
    labels=(JOB,),
    buckets=JOB_BUCKETS,
    unit="seconds",
    group="system",
)
CRON_LATENESS = Histogram(
    "odoo_cron_lateness_seconds",
    "Time between the due time of a scheduled action and its start.",
    labels=(JOB,),
    buckets=JOB_BUCKETS,
    unit="seconds",
    group="system",
)
CRON_RUNNING = Gauge(
    "odoo_cron_running", "Runs of a scheduled action under way.", labels=(JOB,), group="system", merge="sum"
)
CRON_LAST_SUCCESS = Gauge(
    "odoo_cron_last_success_timestamp_seconds",
    "When a scheduled action last ended without a failure.",
    labels=(JOB,),
    unit="seconds",
    group="system",
)
CRON_OVERDUE = Gauge(
    "odoo_cron_overdue_seconds",
    "Time since an active scheduled action was due; 0 if it is not due yet.",
    labels=(JOB,),
    unit="seconds",
    group="system",
)
CRON_INTERVAL = Gauge(
    "odoo_cron_interval_seconds",
    "How often a scheduled action is to run.",
    labels=(JOB,),
    unit="seconds",
    group="system",
)
CRON_DEACTIVATED = Gauge(
    "odoo_cron_deactivated",
    "1 if Odoo has deactivated a scheduled action after repeated failures, else 0.",
    labels=(JOB,),
    group="system",
)
MAIL_QUEUE_LENGTH = Gauge(
    "odoo_mail_queue_length",
    "E-mails in Odoo's queue that wait to be sent, or could not be.",
    labels=(Label("state", ("outgoing", "exception")),),
    group="system",
)
MAIL_QUEUE_OLDEST_AGE = Gauge(
    "odoo_mail_queue_oldest_age_seconds",
    "Time that the oldest e-mail has waited to be sent, from when it was due; 0 if none waits.",
    unit="seconds",
    group="system",
)
QUEUE_JOBS = Gauge(
    "odoo_queue_jobs",
    "Jobs in the queue of queue_job that are neither done nor cancelled.",
    labels=(CHANNEL, Label("state", ("wait_dependencies", "pending", "enqueued", "started", "failed"))),
    group="system",
)
QUEUE_JOB_OLDEST_AGE = Gauge(
    "odoo_queue_job_oldest_pending_age_seconds",
    "Time that the oldest pending job has waited to start, from when it was due; 0 if none waits.",
    labels=(CHANNEL,),
    unit="seconds",
    group="system",
)
QUEUE_JOB_RUNNERS = Gauge(
    "odoo_queue_job_runners", "Jobrunners that take jobs from the queue of this database.", group="system"
)
QUEUE_JOB_RUNS = Counter(
    "odoo_queue_job_runs_total",
    "Runs of jobs of queue_job, by how they ended.",
    labels=(CHANNEL, JOB_FUNCTION, Label("outcome", ("done", "failed", "retried"))),
    group="system",
)
QUEUE_JOB_DURATION = Histogram(
    "odoo_queue_job_duration_seconds",
    "Time of a run of a job of queue_job.",
    labels=(JOB_FUNCTION,),
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
    "Time from an input to the next paint, of the slowest inputs of a page (INP).",
    labels=(ROLE,),
    buckets=INTERACTION_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_CUMULATIVE_LAYOUT_SHIFT = Histogram(
    "odoo_ui_cumulative_layout_shift",
    "Cumulative layout shift of a page (CLS), without a unit.",
    labels=(ROLE,),
    buckets=SHIFT_BUCKETS,
    group="system",
    producer="browser",
)
UI_SOFT_LARGEST_CONTENTFUL_PAINT = Histogram(
    "odoo_ui_soft_navigation_largest_contentful_paint_seconds",
    "Time until the largest part of a view within the web client was drawn (LCP of a soft navigation).",
    buckets=PAINT_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_SOFT_INTERACTION_TO_NEXT_PAINT = Histogram(
    "odoo_ui_soft_navigation_interaction_to_next_paint_seconds",
    "Time from an input to the next paint, of the slowest inputs of a view within the web client (INP of a soft "
    "navigation).",
    buckets=INTERACTION_BUCKETS,
    unit="seconds",
    group="system",
    producer="browser",
)
UI_SOFT_CUMULATIVE_LAYOUT_SHIFT = Histogram(
    "odoo_ui_soft_navigation_cumulative_layout_shift",
    "Cumulative layout shift of a view within the web client (CLS of a soft navigation), without a unit.",
    buckets=SHIFT_BUCKETS,
    group="system",
    producer="browser",
)
BROWSER_ERRORS = Counter(
    "odoo_browser_errors_total",
    "Uncaught JavaScript errors in browsers, and pages that stayed blank.",
    labels=(UI_ROUTE, ROLE, BROWSER_ERROR),
    group="system",
    producer="browser",
)

declare_module("mail", MAIL_QUEUE_LENGTH, MAIL_QUEUE_OLDEST_AGE)
declare_module("queue_job", QUEUE_JOBS, QUEUE_JOB_OLDEST_AGE, QUEUE_JOB_RUNNERS, QUEUE_JOB_RUNS, QUEUE_JOB_DURATION)
RUNTIME = section()
"""The metrics of Odoo itself."""

ERRORS = Counter(
    _ERRORS,
    "Telemetry's own failures, which lose a value or a reading, and scrapes refused for lack of a valid token; "
    "none fails a user's request.",
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
    "odoo_telemetry_threshold", "Alert threshold, as set in Settings, Telemetry.", labels=(THRESHOLD,)
)
LABELS_CAPPED = Counter(
    CAPPED, "Label values replaced by 'other'.", labels=(Label("label", limit=60),), scope="instance", group="system"
)
LABEL_VALUES = Gauge(
    "odoo_telemetry_label_values", "Values that a label has taken.", labels=(Label("label", limit=60),), group="system"
)
LEDGER_BACKLOG = Gauge("odoo_telemetry_ledger_backlog", "Ledger entries that are not rolled up yet, up to 100,000.")
FACTS_CARRIED_OVER = Counter(
    "odoo_telemetry_facts_carried_over_total",
    "Records that the counters still include but the database no longer has, because it was restored to an older "
    "state.",
    labels=(Label("fact", limit=60),),
)
AUDIT_MISSING_ROWS = Gauge(
    "odoo_telemetry_audit_missing_rows",
    "Records that should be in the ledger but are not, as of the last complete audit.",
    labels=(Label("fact", limit=60),),
)
AUDIT_EXTRA_ROWS = Gauge(
    "odoo_telemetry_audit_extra_rows",
    "Rows that are in the ledger but no longer in the table, by the last complete audit.",
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
    "Time to collect the metrics of this scrape.",
    unit="seconds",
    scope="instance",
    group="system",
)
SERIES = Gauge(
    "odoo_telemetry_series",
    "Series in the metrics directory, each bucket of a histogram included.",
    scope="instance",
    group="system",
)
SLOTS = Gauge(
    "odoo_telemetry_slots", "Worker slots created so far in the metrics directory.", scope="instance", group="system"
)

EXPORTER = section(RUNTIME)
"""The metrics of the exporter."""
