"""PostgreSQL: does the database keep up, and what holds it up?"""

from .. import variables
from ..frame import Page
from ..limits import CLIENTS
from ..palette import CRITICAL, GOOD, GREY, PURPLE
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, Query
from . import SERVICES

_SERVER = 'db_instance=~"$db_instance"'
_DATABASE = f'{_SERVER}, datname=~"$datname", datname!~"template.*|"'
"""Neither templates nor what belongs to no database."""
_SLOW = f'telemetry:postgresql_query_slow_query_rate:rate_5m{{{_SERVER}, database=~"$datname"}}'
_NOT_SCRAPED = "postgres_exporter is not scraped: see the dashboard Telemetry Self-Health."

_OVERVIEW = (
    stat(
        "Servers down",
        Query(f"count(pg_up{{{_SERVER}}} == 0) or 0 * max(pg_up{{{_SERVER}}})", interval=BUSINESS),
        "none",
        spec="not in it; nothing else works without PostgreSQL",
        description="PostgreSQL servers that do not accept connections.",
        no_value=_NOT_SCRAPED,
        alerts=("PostgresDown",),
        mappings=NONE,
    ),
    stat(
        "Connections used",
        Query(f"max(telemetry:postgresql_connections_utilization:percent{{{_SERVER}}})", interval=BUSINESS),
        "percent",
        spec="postgresql.connections.active_count, of max_connections",
        description="At 100% new connections are refused. Near the limit: see which database has most of them, lower "
        "Odoo's db_maxconn or its workers, or raise max_connections.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresConnectionsHigh", "PostgresConnectionsCritical"),
        runbooks=("PostgresConnectionsRunOutSoon",),
    ),
    stat(
        "Slow queries/min",
        Query(f"60 * sum({_SLOW})", interval=BUSINESS),
        "none",
        spec="postgresql.query.slow_query_rate",
        description="Queries that took 1 s or longer, over the last 5 minutes. The log of PostgreSQL has their text.",
        no_value="The exporter of slow queries is not scraped.",
        decimals=1,
        alerts=("PostgresSlowQueries",),
        runbooks=("PostgresSlowQueriesMiscounted",),
    ),
    stat(
        "Longest transaction",
        Query(f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state!="idle", {CLIENTS}}})', interval=BUSINESS),
        "s",
        spec="not in it; a frequent cause of slow queries",
        description="It holds its locks, and keeps vacuum from removing old rows. Above the threshold: find its "
        "session in pg_stat_activity, and end it.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresLongTransaction",),
    ),
    stat(
        "Deadlocks (1 h)",
        Query(f"sum(increase(pg_stat_database_deadlocks{{{_DATABASE}}}[1h]))", interval=BUSINESS),
        "none",
        spec="not in it; a cause of failed and repeated requests",
        description="Transactions that PostgreSQL ended because they waited for each other's locks.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("PostgresDeadlocks",),
        mappings=NONE,
    ),
    stat(
        "Replication lag",
        Query(f"max(pg_replication_lag_seconds{{{_SERVER}}})", interval=BUSINESS),
        "s",
        spec="not in it; the data that a failover to a standby would lose",
        description="Of the standby that is furthest behind; 0 without a standby.",
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
        description="Each worker of Odoo has some. If they rise while the load does not, a client does not close them.",
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
        spec="not in it; the load that postgresql.query.slow_query_rate is a part of",
        description="If rollbacks rise, look at the errors of Odoo.",
        no_value=_NOT_SCRAPED,
        links={"Odoo": "odoo-system-health"},
    ),
    time_series(
        "Slow queries per minute by database",
        [Query(f"topk(5, 60 * {_SLOW})", "{{database}}")],
        "none",
        width=12,
        spec="postgresql.query.slow_query_rate",
        description="Queries that took 1 s or longer, over 5 minutes, of the five databases with the most.",
        no_value="The exporter of slow queries is not scraped.",
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
        spec="not in it; a cause of a high system.disk.io.ops",
        description="Share of the blocks that PostgreSQL found in shared_buffers. Below 95% for long: raise "
        "shared_buffers, or look for a query that scans whole tables.",
        no_value="Nothing was read in this time, or postgres_exporter is not scraped.",
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
        spec="not in it; a frequent cause of slow queries",
        description="Age of the oldest open transaction, and lag of the standby that is furthest behind. Idle in "
        "transaction: a client began one and does not end it.",
        no_value=_NOT_SCRAPED,
        alerts=("PostgresLongTransaction",),
        runbooks=("PostgresDeadlocks", "PostgresReplicationLag"),
    ),
    time_series(
        "Disk utilization",
        [Query("max by (host) (telemetry:system_disk_io_time:percent_5m)", "{{host}}", BUSINESS)],
        "percent",
        spec="system.disk.io.ops, by the time that they take",
        description="Share of the time in which the busiest disk of each host worked, over 5 minutes. A saturated "
        "disk slows every query: find the process that reads or writes that much.",
        no_value="No host is scraped: look at node_exporter.",
        alerts=("DiskBusy", "DiskSaturated"),
    ),
    bar_gauge(
        "Largest databases",
        [Query(f"topk(5, max by (datname) (pg_database_size_bytes{{{_DATABASE}}}))", "{{datname}}", BUSINESS)],
        "bytes",
        width=8,
        spec="not in it; a part of system.disk.space.used.percentage",
        description="The five largest databases. If one grows faster than its use, find the table that does.",
        no_value=_NOT_SCRAPED,
        runbooks=("DiskSpaceLow",),
    ),
)

PAGE = Page(
    uid="postgresql",
    title="PostgreSQL",
    audience="Platform Administrators, Operations Team",
    summary="Does the database keep up, and what holds it up?",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.db_instance, variables.datname),
    rows={"Overview": _OVERVIEW, "Load": _LOAD, "Saturation": _SATURATION},
)
