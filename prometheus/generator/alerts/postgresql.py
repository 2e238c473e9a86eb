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
        summary="PostgreSQL does not answer",
        description=f"PostgreSQL on {SERVER} does not answer (pg_up is {WHOLE}).",
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
            summary="PostgreSQL's connections are running out",
            description=f"{ONE} % of the connections that PostgreSQL on {SERVER} allows are used; more than "
            f"<above_percent> "
            f"% is too much.",
            dashboard="postgresql",
            keep_firing_for="5m",
        ),
        name="PostgresConnectionsCritical",
        summary="PostgreSQL's connections are nearly used up",
    ),
    Alert(
        name="PostgresConnectionsRunOutSoon",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr=f"{_CONNECTIONS} and on (db_instance) "
        f"predict_linear(telemetry:postgresql_connections_utilization:percent"
        "[30m], <within_hours> * 3600) > 100",
        summary="PostgreSQL's connections will soon run out",
        description=f"{ONE} % of the connections that PostgreSQL on {SERVER} allows are used, and none will be left "
        f"within <within_hours> h if it goes on as over the last 30 minutes.",
        dashboard="postgresql",
        keep_firing_for="15m",
    ),
    Alert(
        name="PostgresSlowQueries",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="60 * telemetry:postgresql_query_slow_query_rate:rate_5m > <above_per_minute>",
        summary="PostgreSQL is slow to answer",
        description=f"{ONE} statements a minute in the database {DATABASE} took PostgreSQL on {SERVER} too long over "
        f"the "
        "last 5 minutes; more than <above_per_minute> are too many.",
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
        summary="Slow statements are not all counted",
        description=f"The count of slow statements on {SERVER} is too low or has another threshold (value {WHOLE}): "
        "more than <above> lines of the log in the last hour are damaged or in another language than English, "
        "or log_min_duration_statement differs from the threshold of the exporter.",
        dashboard="postgresql",
    ),
    Alert(
        name="PostgresLongTransaction",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr=f'max by (db_instance, datname) (pg_stat_activity_max_tx_duration{{state!="idle", {CLIENTS}}}) '
        "> <above_seconds>",
        summary="A transaction stays open",
        description=f"A client's transaction in {{{{ $labels.datname }}}} on {SERVER} has been open for {DURATION}; it "
        f"holds its locks, and keeps old rows from being cleared away.",
        dashboard="postgresql",
    ),
    Alert(
        name="PostgresDeadlocks",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="sum by (db_instance, datname) (increase(pg_stat_database_deadlocks[1h])) > <above_per_hour>",
        summary="Transactions lock each other out",
        description=f"{WHOLE} deadlocks in {{{{ $labels.datname }}}} on {SERVER} in the last hour; more than "
        "<above_per_hour> are too many.",
        dashboard="postgresql",
    ),
    Alert(
        name="PostgresReplicationLag",
        severity="warning",
        team="platform",
        subject="postgresql",
        expr="max by (db_instance) (pg_replication_lag_seconds) > <above_seconds>",
        summary="A copy of the database lags behind",
        description=f"The standby {SERVER} is {DURATION} behind; more than <above_seconds> s is too much.",
        dashboard="postgresql",
        keep_firing_for="5m",
    ),
)
