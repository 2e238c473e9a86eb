"""PostgreSQL: load, latency and saturation of PostgreSQL."""

from .. import variables
from ..frame import Page
from ..limits import CLIENTS
from ..palette import CRITICAL, GOOD, GREY, PURPLE
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, SYSTEM, Query
from . import SERVICES

_INSTANCE = 'instance=~"$instance"'
_SERVER = 'db_instance=~"$db_instance"'
_DATABASE = f'{_SERVER}, datname=~"$datname", datname!~"template.*|"'
"""Neither templates nor what belongs to no database."""
_SLOW = f'telemetry:postgresql_query_slow_query_rate:rate_5m{{{_SERVER}, database=~"$datname"}}'
_NOT_SCRAPED = "No data from postgres_exporter: see Telemetry Self-Health, Targets down."
_NO_SLOW = "No data from the slow query exporter: see Telemetry Self-Health, Targets down."

_OVERVIEW = (
    stat(
        "Servers down",
        Query(f"count(pg_up{{{_SERVER}}} == 0) or 0 * max(pg_up{{{_SERVER}}})", interval=BUSINESS),
        "none",
        width=8,
        description="PostgreSQL servers that do not accept connections.",
        no_value=_NOT_SCRAPED,
        alerts=("PostgresDown",),
        mappings=NONE,
    ),
    stat(
        "Connections used",
        Query(f"max(telemetry:postgresql_connections_utilization:percent{{{_SERVER}}})", interval=BUSINESS),
        "percent",
        width=8,
        spec="postgresql.connections.active_count, of max_connections",
        description="Connections in use / max_connections, of the server with the most. At 100% new connections are "
        "refused. Near the limit: find the database with the most connections, lower Odoo's db_maxconn or its workers, "
        "or raise max_connections. Per server, not per database.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresConnectionsHigh", "PostgresConnectionsCritical"),
        runbooks=("PostgresConnectionsRunOutSoon",),
    ),
    stat(
        "Slow queries per minute",
        Query(f"60 * max({_SLOW})", interval=BUSINESS),
        "none",
        width=8,
        spec="postgresql.query.slow_query_rate",
        description="Queries slower than log_min_duration_statement (1 s by default), over the last 5 minutes, in "
        "the database with the most. PostgreSQL's log has their text.",
        no_value=_NO_SLOW,
        decimals=1,
        alerts=("PostgresSlowQueries",),
        runbooks=("PostgresSlowQueriesMiscounted",),
    ),
    stat(
        "Oldest transaction",
        Query(f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state!="idle", {CLIENTS}}})', interval=BUSINESS),
        "s",
        width=8,
        description="The oldest transaction holds its locks and prevents VACUUM from removing old rows. Above the "
        "threshold: find its session in pg_stat_activity, and end it.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresLongTransaction",),
    ),
    stat(
        "Deadlocks (1 h)",
        Query(f"max(increase(pg_stat_database_deadlocks{{{_DATABASE}}}[1h]))", interval=BUSINESS),
        "none",
        width=8,
        description="Transactions that PostgreSQL aborted because they waited for each other's locks, in the "
        "database with the most.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresDeadlocks",),
        mappings=NONE,
    ),
    stat(
        "Replication lag",
        Query(f"max(pg_replication_lag_seconds{{{_SERVER}}})", interval=BUSINESS),
        "s",
        width=8,
        description="Lag of the standby furthest behind; 0 without a standby. Per server, not per database.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresReplicationLag",),
    ),
)

_LOAD = (
    time_series(
        "Connections",
        [
            Query(f"sum(pg_stat_activity_count{{{_DATABASE}, {CLIENTS}}})", "in use", BUSINESS),
            Query(f"max(pg_settings_max_connections{{{_SERVER}}})", "max_connections", BUSINESS, GREY, dashed=True),
        ],
        "none",
        spec="postgresql.connections.active_count",
        description="Connections to the selected databases. Each Odoo worker has some. If they rise while the load "
        "does not, a client does not close them.",
        no_value=_NOT_SCRAPED,
        runbooks=("PostgresConnectionsHigh",),
    ),
    bar_gauge(
        "Connections by database",
        [
            Query(
                f"topk(5, sum by (datname) (pg_stat_activity_count{{{_DATABASE}, {CLIENTS}}}))", "{{datname}}", BUSINESS
            )
        ],
        "none",
        width=8,
        spec="postgresql.connections.active_count",
        description="The five databases with the most connections.",
        no_value=_NOT_SCRAPED,
    ),
    time_series(
        "Transactions",
        [
            Query(
                f"sum(rate(pg_stat_database_xact_commit{{{_DATABASE}}}[$__rate_interval]))", "commits", BUSINESS, GOOD
            ),
            Query(
                f"sum(rate(pg_stat_database_xact_rollback{{{_DATABASE}}}[$__rate_interval]))",
                "rollbacks",
                BUSINESS,
                CRITICAL,
            ),
        ],
        "ops",
        description="Commits and rollbacks per second. If rollbacks rise, check the errors of Odoo.",
        no_value=_NOT_SCRAPED,
        links={"Odoo": "odoo-system-health"},
    ),
    time_series(
        "Slow queries per minute by database",
        [Query(f"topk(5, 60 * {_SLOW})", "{{database}}")],
        "none",
        width=12,
        spec="postgresql.query.slow_query_rate",
        description="Queries slower than log_min_duration_statement (1 s by default), over 5 minutes, in the five "
        "databases with the most.",
        no_value=_NO_SLOW,
        alerts=("PostgresSlowQueries",),
    ),
    time_series(
        "Buffer cache hit ratio",
        [
            Query(
                f"100 * sum(rate(pg_stat_database_blks_hit{{{_DATABASE}}}[$__rate_interval])) / "
                f"(sum(rate(pg_stat_database_blks_hit{{{_DATABASE}}}[$__rate_interval])) + "
                f"sum(rate(pg_stat_database_blks_read{{{_DATABASE}}}[$__rate_interval])) > 0)",
                "hit ratio",
                BUSINESS,
            ),
        ],
        "percent",
        width=12,
        maximum=100,
        description="Share of the blocks that PostgreSQL found in shared_buffers. If below 95% for long, raise "
        "shared_buffers, or find the query that scans whole tables.",
        no_value="No block reads in the selected time range, or no data from postgres_exporter.",
    ),
)

_SATURATION = (
    time_series(
        "Transaction age and replication lag",
        [
            Query(
                f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state="active", {CLIENTS}}})', "active", BUSINESS
            ),
            Query(
                f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state=~"idle in transaction.*"}})',
                "idle in transaction",
                BUSINESS,
                CRITICAL,
            ),
            Query(f"max(pg_replication_lag_seconds{{{_SERVER}}})", "replication lag", BUSINESS, PURPLE),
        ],
        "s",
        description="Age of the oldest open transaction, and lag of the standby furthest behind. The threshold "
        "applies to transactions. Idle in transaction: a client started a transaction and does not end it.",
        no_value=_NOT_SCRAPED,
        alerts=("PostgresLongTransaction",),
        runbooks=("PostgresDeadlocks", "PostgresReplicationLag"),
    ),
    time_series(
        "Disk I/O utilization (all hosts)",
        [Query("max by (host) (telemetry:system_disk_io_time:percent_5m)", "{{host}}", BUSINESS)],
        "percent",
        maximum=100,
        spec="system.disk.io.ops, as the share of time in which the disk was in use",
        description="Share of the time in which the busiest disk of each host was in use, over 5 minutes, of all hosts "
        "whichever server is selected. A saturated disk slows every query: find the process that uses it most.",
        no_value="No data from any host: check node_exporter.",
        alerts=("DiskBusy", "DiskSaturated"),
    ),
    bar_gauge(
        "Largest databases",
        [Query(f"topk(5, max by (datname) (pg_database_size_bytes{{{_DATABASE}}}))", "{{datname}}", BUSINESS)],
        "bytes",
        width=8,
        description="The five largest databases. If one grows unexpectedly, find its largest tables.",
        no_value=_NOT_SCRAPED,
        runbooks=("DiskSpaceLow",),
    ),
    time_series(
        "Odoo connection pool utilization",
        [
            Query(
                f"max by (instance, pool) (odoo_connection_pool_utilization_percent{{{_INSTANCE}}})",
                "{{instance}} {{pool}}",
                SYSTEM,
            ),
        ],
        "percent",
        width=24,
        maximum=100,
        description="Connections in use / db_maxconn, of the busiest process on each Odoo server. At 100% opening a "
        "cursor fails: find the requests that hold cursors, or raise db_maxconn. Per Odoo server, not per database.",
        no_value="No data from Odoo: see Telemetry Self-Health, Targets down.",
        runbooks=("OdooConnectionPoolExhausted",),
    ),
)

PAGE = Page(
    uid="postgresql",
    title="PostgreSQL",
    audience="Platform Administrators, Operations Team",
    summary="Load, latency and saturation of PostgreSQL.",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.db_instance, variables.datname, variables.instance),
    rows={"Overview": _OVERVIEW, "Load": _LOAD, "Saturation": _SATURATION},
)
