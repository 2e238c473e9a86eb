"""Alerts about PostgreSQL."""

from ..promql import CLIENTS
from ..rules import Alert
from .parts import DATABASE, DURATION, ONE, SERVER, WHOLE, with_critical

_CONNECTIONS = "telemetry:postgresql_connections_utilization:percent > <above_percent>"

ALERTS = (
    Alert(
        name="PostgresDown",
        severity="critical",
        team="platform",
        subject="postgresql",
        expr="pg_up == 0",
        summary="PostgreSQL is down",
        description=f"The exporter can't connect to PostgreSQL on {SERVER} (pg_up is {WHOLE}). If the server is down, "
        "so is Odoo.",
        dashboard="postgresql",
    ),
    *with_critical(
        Alert(
            name="PostgresConnectionsHigh",
            severity="warning",
            team="platform",
            subject="postgresql",
            pair="postgresql_connections",
            expr=_CONNECTIONS,
            summary="PostgreSQL connections above <above_percent>% of max_connections",
            description=f"{ONE}% of the max_connections of PostgreSQL on {SERVER} are in use; the threshold is "
            "<above_percent>%.",
            dashboard="postgresql",
            keep_firing_for="5m",
        ),
        name="PostgresConnectionsCritical",
    ),
    Alert(
        name="PostgresConnectionsRunOutSoon",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr=f"{_CONNECTIONS} and on (db_instance) "
        f"predict_linear(telemetry:postgresql_connections_utilization:percent"
        "[30m], <within_hours> * 3600) > 100",
        summary="PostgreSQL connections exhausted within <within_hours> at the current rate",
        description=f"{ONE}% of the max_connections of PostgreSQL on {SERVER} are in use. At the rate of the "
        "last 30 minutes, none will be left within <within_hours>.",
        dashboard="postgresql",
        keep_firing_for="15m",
    ),
    Alert(
        name="PostgresSlowQueries",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="60 * telemetry:postgresql_query_slow_query_rate:rate_5m > <above_per_minute>",
        summary="More than <above_per_minute> slow queries per minute",
        description=f"{ONE} queries per minute in the database {DATABASE} on {SERVER} took longer than "
        "log_min_duration_statement over the last 5 minutes; the threshold is <above_per_minute>.",
        dashboard="postgresql",
        keep_firing_for="5m",
    ),
    Alert(
        name="PostgresSlowQueriesMiscounted",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="sum by (db_instance) (increase(postgresql_slow_queries_unreadable_lines_total[1h]) + "
        "increase(postgresql_slow_queries_translated_lines_total[1h])) > <above> or "
        "max by (db_instance) (round(1000 * pg_settings_log_min_duration_statement_seconds)) "
        "!= on (db_instance) max by (db_instance) (round(1000 * postgresql_slow_queries_threshold_seconds))",
        summary="Slow query count is incomplete",
        description=f"PostgreSQL log lines on {SERVER} could not be parsed in the last hour (unreadable or not in "
        "English), or "
        f"log_min_duration_statement differs from the exporter's --threshold. The value, {WHOLE}, is the number of "
        "lines, or log_min_duration_statement in ms (-1000: it is off). PostgresSlowQueries may not fire.",
        dashboard="postgresql",
    ),
    Alert(
        name="PostgresLongTransaction",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr=f'max by (db_instance, datname) (pg_stat_activity_max_tx_duration{{state!="idle", {CLIENTS}}}) '
        "> <above_seconds>",
        summary="Transaction open for more than <above_seconds>",
        description=f"A transaction in {{{{ $labels.datname }}}} on {SERVER} has been open for {DURATION}; "
        "the threshold is <above_seconds>. It holds its locks, and VACUUM can't remove rows that it may still read.",
        dashboard="postgresql",
    ),
    Alert(
        name="PostgresDeadlocks",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="sum by (db_instance, datname) (increase(pg_stat_database_deadlocks[1h])) > <above_per_hour>",
        summary="More than <above_per_hour> deadlocks per hour",
        description=f"PostgreSQL on {SERVER} detected {WHOLE} deadlocks in {{{{ $labels.datname }}}} in the last"
        " hour; the threshold is <above_per_hour>.",
        dashboard="postgresql",
    ),
    Alert(
        name="PostgresReplicationLag",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="max by (db_instance) (pg_replication_lag_seconds) > <above_seconds>",
        summary="Replication lag above <above_seconds>",
        description=f"The standby {SERVER} lags {DURATION} behind; the threshold is <above_seconds>.",
        dashboard="postgresql",
        keep_firing_for="5m",
    ),
)
