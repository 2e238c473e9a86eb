"""PostgreSQL: does the database keep up, and could it be restored?"""

from prometheus.generator.promql import CLIENTS

from . import variables
from .frame import Page
from .palette import CRITICAL, GOOD, GREY, PURPLE
from .panels import NONE, bars, figure, series
from .queries import BUSINESS, Query

_SERVER = 'db_instance=~"$db_instance"'
_DATABASE = f'{_SERVER}, datname=~"$datname", datname!~"template.*|"'
"""Neither templates nor what belongs to no database."""
_UNSCRAPED = "PostgreSQL's exporter is not scraped: look at the telemetry dashboard."

_FIRST = (
    figure(
        "Servers down",
        Query(f"count(pg_up{{{_SERVER}}} == 0) or 0 * max(pg_up{{{_SERVER}}})", every=BUSINESS),
        "none",
        spec="not in it; without it nothing else works",
        says="Servers of PostgreSQL that are down.",
        empty=_UNSCRAPED,
        alerts=("PostgresDown",),
        words=NONE,
    ),
    figure(
        "Connections in use",
        Query(f"max(telemetry:postgresql_connections_utilization:percent{{{_SERVER}}})", every=BUSINESS),
        "percent",
        spec="postgresql.connections.active_count, of max_connections",
        says="At 100 % nobody gets in any more. Near the limit: look who holds them, lower Odoo's db_maxconn or "
        "its workers, or raise max_connections.",
        empty=_UNSCRAPED,
        decimals=0,
        alerts=("PostgresConnectionsHigh", "PostgresConnectionsCritical"),
        runbooks=("PostgresConnectionsRunOutSoon",),
    ),
    figure(
        "Slow statements",
        Query(f"60 * sum(telemetry:postgresql_query_slow_query_rate:rate_5m{{{_SERVER}}})", every=BUSINESS),
        "none",
        spec="postgresql.query.slow_query_rate",
        says="Statements a minute that took a second or longer, over the last 5 minutes. The log of PostgreSQL "
        "names them.",
        empty="The exporter of slow queries is not scraped.",
        decimals=1,
        alerts=("PostgresSlowQueries",),
        runbooks=("PostgresSlowQueriesMiscounted",),
    ),
    figure(
        "Longest transaction",
        Query(f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state!="idle", {CLIENTS}}})', every=BUSINESS),
        "s",
        spec="not in it; what slow queries often wait for",
        says="It holds its locks, and keeps old rows from being cleared away. Longer than the limit: find out who "
        "it is, and end it.",
        empty=_UNSCRAPED,
        decimals=0,
        alerts=("PostgresLongTransaction",),
    ),
    figure(
        "Backups OK",
        Query("influencegen:system_backup_job_success_rate:percent_24h", every=BUSINESS),
        "percent",
        spec="system.backup.job_success_rate",
        says="Of the backup jobs of the last 24 hours, how many ended with a backup that was restored and "
        "compared. All must.",
        empty="None has ended while Prometheus looked, in 24 hours.",
        decimals=0,
        alerts=("BackupJobFailed",),
    ),
    figure(
        "Age of last backup",
        Query("time() - min(max by (backup) (backup_last_success_timestamp_seconds) > 0)", every=BUSINESS),
        "s",
        spec="not in it; what would be lost if PostgreSQL were",
        says="How old the last good backup is, of what has waited longest for one.",
        empty="There is no good backup yet, or its exporter is not scraped.",
        runbooks=("BackupMissing",),
    ),
)

_LOAD = (
    series(
        "Are there connections left?",
        [
            Query(f"sum(pg_stat_activity_count{{{_DATABASE}, {CLIENTS}}})", "in use", BUSINESS),
            Query(f"max(pg_settings_max_connections{{{_SERVER}}})", "allowed", BUSINESS, GREY, dashed=True),
        ],
        "none",
        spec="postgresql.connections.active_count",
        says="Each worker of Odoo and of n8n holds some. If they rise and nobody has more to do, somebody does not "
        "give them back.",
        empty=_UNSCRAPED,
        runbooks=("PostgresConnectionsHigh",),
    ),
    bars(
        "Who holds connections?",
        [
            Query(
                f"topk(5, sum by (datname) (pg_stat_activity_count{{{_DATABASE}, {CLIENTS}}}))", "{{datname}}", BUSINESS
            )
        ],
        "none",
        width=8,
        spec="postgresql.connections.active_count",
        says="Connections by database, now.",
        empty=_UNSCRAPED,
    ),
    series(
        "How much is written down?",
        [
            Query(
                f"sum(rate(pg_stat_database_xact_commit{{{_DATABASE}}}[$__rate_interval]))", "committed", BUSINESS, GOOD
            ),
            Query(
                f"sum(rate(pg_stat_database_xact_rollback{{{_DATABASE}}}[$__rate_interval]))",
                "rolled back",
                BUSINESS,
                CRITICAL,
            ),
        ],
        "ops",
        spec="not in it; what postgresql.query.slow_query_rate is a part of",
        says="Transactions a second. Many that are rolled back: look at the errors of Odoo.",
        empty=_UNSCRAPED,
        more={"Odoo": "odoo-system-health"},
    ),
    series(
        "Which database is slow?",
        [
            Query(f"60 * telemetry:postgresql_query_slow_query_rate:rate_5m{{{_SERVER}}}", "{{database}}"),
        ],
        "none",
        width=12,
        spec="postgresql.query.slow_query_rate",
        says="Statements a minute that took a second or longer, by database, over 5 minutes.",
        empty="The exporter of slow queries is not scraped.",
        alerts=("PostgresSlowQueries",),
    ),
    series(
        "Do reads come from memory?",
        [
            Query(
                f"100 * sum(rate(pg_stat_database_blks_hit{{{_DATABASE}}}[$__rate_interval])) / "
                f"(sum(rate(pg_stat_database_blks_hit{{{_DATABASE}}}[$__rate_interval])) + "
                f"sum(rate(pg_stat_database_blks_read{{{_DATABASE}}}[$__rate_interval])) > 0)",
                "found in memory",
                BUSINESS,
            ),
        ],
        "percent",
        width=12,
        spec="not in it; what makes system.disk.io.ops rise",
        says="Blocks that were in PostgreSQL's own memory when they were needed. Below 95 % for long: raise "
        "shared_buffers, or look for a statement that reads whole tables.",
        empty="Nothing was read in this time, or PostgreSQL's exporter is not scraped.",
    ),
)

_TROUBLE = (
    series(
        "Do transactions wait for each other?",
        [
            Query(
                f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state="active", {CLIENTS}}})', "at work", BUSINESS
            ),
            Query(
                f'max(pg_stat_activity_max_tx_duration{{{_DATABASE}, state=~"idle in transaction.*"}})',
                "idle in a transaction",
                BUSINESS,
                CRITICAL,
            ),
            Query(f"max(pg_replication_lag_seconds{{{_SERVER}}})", "a copy lags behind", BUSINESS, PURPLE),
        ],
        "s",
        spec="not in it; what slow queries often wait for",
        says="For how long the oldest transaction is open, and how far a copy of the database is behind. Idle in a "
        "transaction: somebody began one and does nothing.",
        empty=_UNSCRAPED,
        alerts=("PostgresLongTransaction",),
        runbooks=("PostgresDeadlocks", "PostgresReplicationLag"),
    ),
    series(
        "How busy are the disks?",
        [
            Query("max by (host) (telemetry:system_disk_io_time:percent_5m)", "{{host}}", BUSINESS),
        ],
        "percent",
        spec="system.disk.io.ops, by the time that they take",
        says="For what share of the time the busiest disk of each host had something to do. A disk at its limit makes "
        "every statement slow: look who reads or writes that much.",
        empty="No host is scraped: look at node_exporter.",
        alerts=("DiskBusy", "DiskSaturated"),
    ),
    bars(
        "How large are the databases?",
        [Query(f"max by (datname) (pg_database_size_bytes{{{_DATABASE}}})", "{{datname}}", BUSINESS)],
        "bytes",
        width=8,
        spec="system.disk.space.used.percentage, what it is made of",
        says="If one grows faster than the business, look which table it is.",
        empty=_UNSCRAPED,
        runbooks=("DiskSpaceLow",),
    ),
)

PAGE = Page(
    uid="postgresql",
    title="PostgreSQL",
    audience="Platform Administrators, Operations Team",
    answers="Does the database keep up, and could it be restored?",
    refresh="1m",
    shows="6h",
    team="platform",
    choices=(variables.db_instance, variables.datname),
    rows={"Is it all right?": _FIRST, "Does it keep up?": _LOAD, "What may become a problem?": _TROUBLE},
)
