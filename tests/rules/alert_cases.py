"""When an alert fires, with which text, and when it recovers: one case for each threshold of each alert."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import yaml

CONFIGURATION = Path(__file__).parents[2] / "prometheus" / "prometheus.yml"
DESCRIPTIONS = yaml.safe_load((Path(__file__).parent / "descriptions.yml").read_text())
"""What the alerts say, by name of the alert: a change of wording is a change of that file alone."""


@dataclass(frozen=True)
class Level:
    """A gauge: its value while all is just inside the threshold, just beyond it, and after that.

    history: what it is before, in promtool's notation. A value may be '_' for none, or grow, as in '5+1'.
    """

    inside: object
    beyond: object
    after: object = None
    history: str = ""

    def values(self, state, beyond, after):
        """Return the series in promtool's notation; `beyond` and `after` are numbers of samples."""
        values = ((getattr(self, state), beyond), (self.inside if self.after is None else self.after, after))
        # 1x2 is three samples, and _x2 is two
        return " ".join([self.history, *(f"{value}x{length - (value != '_')}" for value, length in values)]).strip()


@dataclass(frozen=True)
class Rate:
    """A counter: by how much it grows from sample to sample, likewise.

    history: (growth, number of samples) of the times before.
    """

    inside: float
    beyond: float
    after: float = 0
    history: tuple = ()

    def values(self, state, beyond, after):
        """See :meth:`Level.values`."""
        value, parts = 1000, []
        for step, length in (*self.history, (getattr(self, state), beyond), (self.after, after)):
            parts.append(f"{value:.12g}+{step:.12g}x{length - 1}")
            value += step * length
        return " ".join(parts)


@dataclass(frozen=True)
class Case:
    """An alert that is silent while its series are inside, and fires when they are beyond.

    series: values by name, as Level or Rate, or in promtool's notation where they are always the same.
    fires, recovers: minutes after the start at which the alert fires first, and is first silent again.
    until: minutes for which the series are beyond, from the start or from the end of their history.
    value: as its description shows it then; labels: those of its labels that name what it is about.
    every: seconds between samples and evaluations.
    description: the name of its description in descriptions.yml, if that is not the name of the alert.
    """

    alert: str
    severity: str
    team: str
    series: dict
    fires: float
    until: float
    recovers: float
    value: str
    labels: dict = field(default_factory=dict)
    every: int = 60
    name: str = "its threshold"
    description: str = ""

    def __str__(self):
        return f"{self.alert}: {self.name}"

    def tests(self, rule):
        """The tests of the case as promtool wants them; `rule` is that of the alert."""
        end = self.recovers + 10 * self.every / 60
        samples = [round(minutes * 60 / self.every) for minutes in (self.until, end - self.until)]
        tick = self.every / 60
        description = DESCRIPTIONS[self.description or self.alert].format(value=self.value, **self.labels)
        expected = [
            {
                "exp_labels": {**rule["labels"], "severity": self.severity, "team": self.team, **self.labels},
                "exp_annotations": {**rule["annotations"], "description": description},
            }
        ]
        firing = f'ALERTS{{alertname="{self.alert}", alertstate="firing"}}'
        fired = f"count_over_time({firing}[{seconds(end)}])"
        return [
            {
                "name": f"{self} is not reached",
                "interval": f"{self.every}s",
                "input_series": self._series("inside", samples),
                "promql_expr_test": [{"expr": fired, "eval_time": seconds(end), "exp_samples": []}],
            },
            {
                "name": f"{self} is crossed",
                "interval": f"{self.every}s",
                "input_series": self._series("beyond", samples),
                "alert_rule_test": [
                    {"alertname": self.alert, "eval_time": seconds(self.fires), "exp_alerts": expected},
                ],
                "promql_expr_test": [
                    {"expr": f"count({firing})", "eval_time": seconds(minute), "exp_samples": samples}
                    for minute, samples in (
                        (self.fires - tick, []),
                        (self.recovers - tick, [{"labels": "{}", "value": 1}]),
                        (self.recovers, []),
                    )
                ],
            },
        ]

    def _series(self, state, samples):
        return [
            {"series": name, "values": values if isinstance(values, str) else values.values(state, *samples)}
            for name, values in {**self.series, **WORKING_HOURS}.items()
        ]


def seconds(minutes):
    """Minutes as promtool reads them."""
    return f"{round(minutes * 60)}s"


SINCE_1970 = -2_000_000_000
"""A timestamp as old in these tests, whose time begins in 1970, as 0 is today."""


def always(value):
    """A series that stays the same."""
    return f"{value}x20000"


WORKING_HOURS = {f"influencegen:working_hours:lead_{duration}": always(1) for duration in ("15m", "1h", "2h")}
"""For these cases it is always working hours; test_working_hours.py is about the others."""

HOST = {"host": "h", "service_name": "odoo"}
ON_HOST = 'host="h", service_name="odoo"'


def _cpu(name, severity, value, at, fires):
    idle = 60 * (1 - at / 100)
    return Case(
        name,
        severity,
        "platform",
        {
            f'node_cpu_seconds_total{{{ON_HOST}, cpu="0", mode="user"}}': Rate(59.9 - idle, 60.1 - idle, 6),
            f'node_cpu_seconds_total{{{ON_HOST}, cpu="0", mode="idle"}}': Rate(idle + 0.1, idle - 0.1, 54),
        },
        fires,
        fires + 9,
        fires + 15,
        value,
        HOST,
    )


def _gauge(name, severity, team, series, threshold, duration, keep_firing, value, labels, step=0.5, below=False):
    """A gauge that is exactly its threshold, and then beyond it by `step`."""
    beyond = threshold - step if below else threshold + step
    return Case(
        name,
        severity,
        team,
        {series: Level(threshold, beyond)},
        duration,
        duration + 10,
        duration + 10 + keep_firing,
        value,
        labels,
    )


def _memory(name, severity, value, at, duration):
    return Case(
        name,
        severity,
        "platform",
        {
            f"node_memory_MemAvailable_bytes{{{ON_HOST}}}": Level(1000 - 10 * at, 995 - 10 * at),
            f"node_memory_MemTotal_bytes{{{ON_HOST}}}": always(1000),
        },
        duration,
        duration + 9,
        duration + 14,
        value,
        HOST,
    )


FILES = f'{ON_HOST}, fstype="ext4", mountpoint="/"'
ROOT = {**HOST, "mount_point": "/"}


def _space(name, severity, value, at, duration):
    return Case(
        name,
        severity,
        "platform",
        {
            f"node_filesystem_avail_bytes{{{FILES}}}": Level(1000 - 10 * at, 995 - 10 * at),
            f"node_filesystem_size_bytes{{{FILES}}}": always(1000),
        },
        duration,
        duration + 9,
        duration + 14,
        value,
        ROOT,
    )


def _disk(name, severity, value, at):
    return Case(
        name,
        severity,
        "platform",
        {
            f'node_disk_io_time_seconds_total{{{ON_HOST}, device="sda"}}': Rate(0.6 * at - 0.06, 0.6 * at + 0.06),
        },
        19,
        25,
        31,
        value,
        {**HOST, "device": "sda"},
    )


def _network(name, severity, value, at):
    link = f'{ON_HOST}, device="eth0"'
    return Case(
        name,
        severity,
        "platform",
        {
            f"node_network_receive_bytes_total{{{link}}}": Rate(60, 60),
            f"node_network_transmit_bytes_total{{{link}}}": Rate(600 * at - 60, 600 * at + 60),
            f"node_network_speed_bytes{{{link}}}": always(1000),
        },
        20,
        25,
        31,
        value,
        {**HOST, "device": "eth0"},
    )


HOSTS = [
    _cpu(
        "HostCpuHigh",
        "warning",
        "70.2",
        70,
        16,
    ),
    _cpu(
        "HostCpuCritical",
        "critical",
        "85.2",
        85,
        11,
    ),
    _memory("HostMemoryHigh", "warning", "75.5", 75, 15),
    _memory("HostMemoryCritical", "critical", "90.5", 90, 5),
    _space("DiskSpaceLow", "warning", "80.5", 80, 15),
    _space("DiskSpaceCritical", "critical", "90.5", 90, 5),
    _disk("DiskBusy", "warning", "70.1", 70),
    _disk("DiskSaturated", "critical", "90.1", 90),
    _network(
        "NetworkBusy",
        "warning",
        "70.1",
        70,
    ),
    _network(
        "NetworkSaturated",
        "critical",
        "90.1",
        90,
    ),
    Case(
        "HostDown",
        "critical",
        "platform",
        {f'up{{job="node", {ON_HOST}}}': Level(1, 0)},
        3,
        10,
        10,
        "0",
        {**HOST, "job": "node"},
    ),
    # 300 of 1000 bytes are left after a quarter of an hour, of which 0.2 or 0.21 go each minute: in 24 hours 288 or 302
    Case(
        "DiskFullSoon",
        "warning",
        "platform",
        {
            f"node_filesystem_avail_bytes{{{FILES}}}": Level("303-0.2", "303-0.21", "285+0.2"),
            f"node_filesystem_size_bytes{{{FILES}}}": always(1000),
        },
        63,
        90,
        129,
        "71.0",
        ROOT,
    ),
    Case(
        "DiskFullSoon",
        "warning",
        "platform",
        {
            f"node_filesystem_avail_bytes{{{FILES}}}": Level("499-1", "403-1", "900+1"),
            f"node_filesystem_size_bytes{{{FILES}}}": always(1000),
        },
        64,
        90,
        120,
        "66.1",
        ROOT,
        name="how full it must be",
    ),
]

ON_GPU = 'host="h", gpu="0", uuid="u"'
THE_GPU = {"host": "h", "gpu": "0", "uuid": "u"}


def _gpu_memory(name, severity, value, at, duration):
    return Case(
        name,
        severity,
        "integration",
        {
            f"gpu_memory_used_bytes{{{ON_GPU}}}": Level(at, at + 0.5),
            f"gpu_memory_total_bytes{{{ON_GPU}}}": always(100),
        },
        duration,
        duration + 9,
        duration + 14,
        value,
        THE_GPU,
    )


GPU = [
    _gauge(
        "GpuBusy",
        "warning",
        "integration",
        f"gpu_utilization_percent{{{ON_GPU}}}",
        70,
        30,
        9,
        "70.5",
        THE_GPU,
    ),
    _gauge(
        "GpuSaturated",
        "critical",
        "integration",
        f"gpu_utilization_percent{{{ON_GPU}}}",
        90,
        30,
        9,
        "90.5",
        THE_GPU,
    ),
    _gpu_memory("GpuMemoryHigh", "warning", "75.5", 75, 15),
    _gpu_memory(
        "GpuMemoryCritical",
        "critical",
        "90.5",
        90,
        10,
    ),
    Case(
        "GpuMissing",
        "critical",
        "integration",
        {'gpu_up{host="h"}': Level(1, 0)},
        2,
        10,
        10,
        "0",
        {"host": "h"},
    ),
    Case(
        "GpuErrors",
        "warning",
        "integration",
        {f"gpu_xid_errors_total{{{ON_GPU}}}": Rate(0, 0.6)},
        1,
        5,
        64,
        "1",
        {"host": "h", "gpu": "0"},
        name="Xid",
    ),
    Case(
        "GpuErrors",
        "warning",
        "integration",
        {f'gpu_ecc_errors_total{{{ON_GPU}, error_type="uncorrected"}}': Rate(0, 0.6)},
        1,
        5,
        64,
        "1",
        {"host": "h", "gpu": "0"},
        name="ECC",
    ),
    _gauge(
        "GpuHot",
        "warning",
        "integration",
        f"gpu_temperature_celsius{{{ON_GPU}}}",
        85,
        5,
        5,
        "86",
        THE_GPU,
        1,
    ),
]

DB = {"db_instance": "d"}
SESSIONS = 'db_instance="d", datname="odoo", state="active", backend_type="client backend"'


def _connections(name, severity, value, at, duration):
    return Case(
        name,
        severity,
        "platform",
        {
            f"pg_stat_activity_count{{{SESSIONS}}}": Level(2 * at, 2 * at + 1),
            'pg_stat_activity_count{db_instance="d", datname="odoo", backend_type="parallel worker"}': always(8),
            'pg_settings_max_connections{db_instance="d"}': always(200),
        },
        duration,
        duration + 9,
        duration + 14,
        value,
        DB,
    )


SLOW_QUERIES = 'db_instance="d", instance="s"'
LONG_TRANSACTION = _gauge(
    "PostgresLongTransaction",
    "warning",
    "platform",
    f"pg_stat_activity_max_tx_duration{{{SESSIONS}}}",
    1800,
    1,
    0,
    "30m 30s",
    {**DB, "datname": "odoo"},
    30,
)


POSTGRESQL = [
    Case(
        "PostgresDown",
        "critical",
        "platform",
        {'pg_up{db_instance="d"}': Level(1, 0)},
        2,
        10,
        10,
        "0",
        DB,
    ),
    _connections(
        "PostgresConnectionsHigh",
        "warning",
        "80.5",
        80,
        5,
    ),
    _connections(
        "PostgresConnectionsCritical",
        "critical",
        "95.5",
        95,
        2,
    ),
    # of 1000 connections, 620 to begin with
    Case(
        "PostgresConnectionsRunOutSoon",
        "warning",
        "platform",
        {
            f"pg_stat_activity_count{{{SESSIONS}}}": Level("620+5", "620+6.2", "600-2"),
            'pg_settings_max_connections{db_instance="d"}': always(1000),
        },
        17,
        25,
        40,
        "72.5",
        DB,
    ),
    Case(
        "PostgresConnectionsRunOutSoon",
        "warning",
        "platform",
        {
            f"pg_stat_activity_count{{{SESSIONS}}}": Level("350+10", "610+10", "400-2"),
            'pg_settings_max_connections{db_instance="d"}': always(1000),
        },
        16,
        24,
        39,
        "77.0",
        DB,
        name="how many must be used",
    ),
    Case(
        "PostgresSlowQueries",
        "warning",
        "platform",
        {
            'postgresql_slow_queries_total{db_instance="d", database="odoo"}': Rate(4.9, 5.1),
            'postgresql_slow_queries_total{db_instance="d", database="n8n"}': Rate(4.9, 4.9),
        },
        14,
        20,
        26,
        "5.1",
        {**DB, "database": "odoo"},
    ),
    *(
        Case(
            "PostgresSlowQueriesMiscounted",
            "warning",
            "platform",
            {
                f"postgresql_slow_queries_unreadable_lines_total{{{SLOW_QUERIES}}}": Rate(0, damaged),
                f"postgresql_slow_queries_translated_lines_total{{{SLOW_QUERIES}}}": Rate(0, translated),
            },
            11,
            20,
            79,
            value,
            DB,
            name=name,
        )
        for name, damaged, translated, value in (("damaged lines", 0.02, 0, 0), ("translated lines", 0, 1, 12))
    ),
    *(
        Case(
            "PostgresSlowQueriesMiscounted",
            "warning",
            "platform",
            {
                'pg_settings_log_min_duration_statement_seconds{db_instance="d", instance="e"}': Level(0.3, setting),
                f"postgresql_slow_queries_threshold_seconds{{{SLOW_QUERIES}}}": always(0.3),
            },
            10,
            20,
            20,
            value,
            DB,
            name=name,
        )
        for name, setting, value in (("another threshold", 0.301, 301), ("no threshold", -1, -1000))
    ),
    replace(
        LONG_TRANSACTION,
        series={
            **LONG_TRANSACTION.series,
            # an autovacuum worker and a server process of a parallel query are not clients
            'pg_stat_activity_max_tx_duration{db_instance="d", datname="odoo", state="active", '
            'backend_type="autovacuum worker"}': always(7200),
            'pg_stat_activity_max_tx_duration{db_instance="d", datname="n8n", state="active", '
            'backend_type="parallel worker"}': always(7200),
        },
    ),
    Case(
        "PostgresDeadlocks",
        "warning",
        "platform",
        {'pg_stat_database_deadlocks{db_instance="d", datname="odoo"}': Rate(0.08, 0.085)},
        59,
        70,
        72,
        "5",
        {**DB, "datname": "odoo"},
    ),
    _gauge(
        "PostgresReplicationLag",
        "warning",
        "platform",
        'pg_replication_lag_seconds{db_instance="d"}',
        60,
        5,
        5,
        "1m 1s",
        DB,
        1,
    ),
]


def _probe(name, severity, team, service, duration):
    return Case(
        name,
        severity,
        team,
        {f'probe_success{{service_name="{service}"}}': Level(1, 0)},
        duration,
        10,
        10,
        "0",
        {"service_name": service},
    )


ODOO = [
    _probe("OdooDown", "critical", "platform", "odoo", 2),
    Case(
        "OdooWorkersMissing",
        "critical",
        "platform",
        {
            'odoo_workers_configured{instance="i", kind="http"}': always(4),
            'odoo_workers_active{instance="i", kind="http"}': Level(4, 3),
        },
        5,
        10,
        10,
        "1",
        {"instance": "i", "kind": "http"},
    ),
    Case(
        "OdooWorkersMissing",
        "critical",
        "platform",
        {
            'odoo_workers_configured{instance="i", kind="cron"}': always(2),
            'odoo_workers_active{instance="i", kind="cron"}': Level(2, "_", 2),
        },
        5,
        10,
        10,
        "2",
        {"instance": "i", "kind": "cron"},
        name="all of a kind",
    ),
    _gauge(
        "OdooRequestQueueLong",
        "warning",
        "platform",
        'odoo_request_queue_length{instance="i", listener="http"}',
        10,
        3,
        3,
        "10",
        {"instance": "i", "listener": "http"},
        0.4,
    ),
    Case(
        "OdooRequestsRefused",
        "warning",
        "platform",
        {'odoo_request_queue_overflows_total{instance="i", listener="http"}': Rate(0, 0.6)},
        1,
        5,
        14,
        "1",
        {"instance": "i", "listener": "http"},
    ),
    Case(
        "OdooConnectionPoolExhausted",
        "warning",
        "platform",
        {
            'odoo_connection_pool_exhausted_total{instance="i", pool="read_write"}': Rate(0, 0.6),
            'odoo_connection_pool_exhausted_total{instance="j", pool="read_write"}': Rate(0, 0),
        },
        1,
        5,
        14,
        "1",
        {"instance": "i", "pool": "read_write"},
    ),
    Case(
        "OdooBrowserErrorsHigh",
        "warning",
        "platform",
        {
            'odoo_browser_errors_total{database="x", route="/odoo", kind="script"}': Rate(4, 4),
            'odoo_browser_errors_total{database="x", route="/web/login", kind="script"}': Rate(1, 1.2),
            'odoo_browser_errors_total{database="x", route="/odoo", kind="blank"}': Rate(3, 3),
            'odoo_browser_errors_total{database="y", route="/odoo", kind="script"}': Rate(5, 5),
        },
        14,
        20,
        26,
        "5.2",
        {"database": "x"},
    ),
    Case(
        "OdooPagesBlank",
        "warning",
        "platform",
        {
            'odoo_browser_errors_total{database="x", kind="blank"}': Rate(0.19, 1),
            'odoo_browser_errors_total{database="x", kind="script"}': Rate(9, 9),
            'odoo_browser_errors_total{database="y", kind="blank"}': Rate(0.19, 0.19),
        },
        3,
        20,
        37,
        "4",
        {"database": "x"},
    ),
    Case(
        "OdooApplicationErrors",
        "warning",
        "platform",
        {
            'odoo_application_errors_total{instance="i", error_type="orm_error"}': Rate(2, 2),
            'odoo_application_errors_total{instance="i", error_type="controller_error"}': Rate(2.9, 3.1),
            # another server, whose database allows more, and one that allows as many
            'odoo_application_errors_total{instance="j", error_type="orm_error"}': Rate(49, 49),
            'odoo_application_errors_total{instance="k", error_type="orm_error"}': Rate(4, 4),
            **{
                f'odoo_telemetry_threshold{{name="{name}", instance="{instance}", database="{database}"}}': always(most)
                for instance, database, most in (("i", "x", 5), ("i", "y", 50), ("j", "y", 50), ("k", "x", 5))
                for name, most in (("application_errors_per_minute", most), ("concurrent_users", 1))
            },
        },
        9,
        15,
        21,
        "5.1",
        {"instance": "i"},
    ),
    Case(
        "OdooCacheHitRatioLow",
        "warning",
        "platform",
        {
            'odoo_orm_cache_hits_total{instance="i"}': Rate(802, 798, 900),
            'odoo_orm_cache_misses_total{instance="i"}': Rate(198, 202, 100),
            'odoo_orm_cache_hits_total{instance="j"}': Rate(9000, 9000, 9000),
            'odoo_orm_cache_misses_total{instance="j"}': Rate(0, 0, 0),
        },
        33,
        40,
        46,
        "79.8",
        {"instance": "i"},
    ),
    Case(
        "OdooCacheHitRatioLow",
        "warning",
        "platform",
        {
            'odoo_orm_cache_hits_total{instance="i"}': Rate(299, 301, 0),
            'odoo_orm_cache_misses_total{instance="i"}': Rate(299, 301, 0),
            'odoo_orm_cache_hits_total{instance="j"}': Rate(299, 299, 0),
            'odoo_orm_cache_misses_total{instance="j"}': Rate(299, 299, 0),
        },
        34,
        40,
        46,
        "50.0",
        {"instance": "i"},
        name="how much it must be used",
    ),
    Case(
        "OdooConcurrentUsersHigh",
        "warning",
        "platform",
        {
            'odoo_concurrent_users{instance="a", database="x", user_role="user"}': Level(150, 151),
            'odoo_concurrent_users{instance="b", database="x", user_role="user"}': always(100),
            'odoo_concurrent_users{instance="a", database="x", user_role="admin"}': always(50),
            # a database that is allowed more, and has more
            'odoo_concurrent_users{instance="a", database="z", user_role="user"}': always(300),
            'odoo_telemetry_threshold{name="concurrent_users", database="z"}': always(400),
            'odoo_telemetry_threshold{name="concurrent_users", database="x"}': always(200),
            'odoo_telemetry_threshold{name="concurrent_users", database="y"}': always(20),
        },
        5,
        15,
        25,
        "201",
        {"database": "x"},
    ),
    Case(
        "OdooJobsFailing",
        "warning",
        "platform",
        {
            'odoo_cron_runs_total{database="x", instance="a", cron="mail"}': Rate(0.5, 0.5, 0.5),
            'odoo_cron_runs_total{database="x", instance="b", cron="mail"}': Rate(0.5, 0.5, 0.5),
            'odoo_cron_failures_total{database="x", instance="a", cron="mail"}': Rate(0.49, 0.51, 0),
            # the same job of another database, which does not fail
            'odoo_cron_runs_total{database="y", instance="a", cron="mail"}': Rate(100, 100, 100),
        },
        1,
        9,
        10,
        "51",
        {"database": "x", "cron": "mail"},
    ),
]


BACKGROUND = [
    Case(
        "OdooCronOverdue",
        "warning",
        "platform",
        {
            # each of the servers of a database reads the same
            'odoo_cron_overdue_seconds{database="x", instance="a", cron="mail"}': Level(3600, 3636),
            'odoo_cron_overdue_seconds{database="x", instance="b", cron="mail"}': Level(3600, 3636),
            'odoo_cron_interval_seconds{database="x", instance="a", cron="mail"}': always(3600),
            'odoo_cron_interval_seconds{database="x", instance="b", cron="mail"}': always(3600),
            # another job of the database, which is to run once a day, and the same job of another database
            'odoo_cron_overdue_seconds{database="x", instance="a", cron="report"}': always(80000),
            'odoo_cron_interval_seconds{database="x", instance="a", cron="report"}': always(86400),
            'odoo_cron_overdue_seconds{database="y", instance="a", cron="mail"}': always(0),
            'odoo_cron_interval_seconds{database="y", instance="a", cron="mail"}': always(60),
        },
        15,
        25,
        25,
        "1.0",
        {"database": "x", "cron": "mail"},
    ),
    Case(
        "OdooCronOverdue",
        "warning",
        "platform",
        {
            'odoo_cron_overdue_seconds{database="x", instance="a", cron="audit"}': Level(300, 301),
            'odoo_cron_interval_seconds{database="x", instance="a", cron="audit"}': always(60),
        },
        15,
        25,
        25,
        "5.0",
        {"database": "x", "cron": "audit"},
        name="a job of each minute",
    ),
    Case(
        "OdooCronDeactivated",
        "warning",
        "platform",
        {
            'odoo_cron_deactivated{database="x", instance="a", cron="mail"}': Level(0, 1, history="0"),
            'odoo_cron_deactivated{database="x", instance="b", cron="mail"}': Level(0, 1, history="0"),
            'odoo_cron_deactivated{database="x", instance="a", cron="report"}': always(0),
        },
        1,
        10,
        11,
        "1",
        {"database": "x", "cron": "mail"},
    ),
    Case(
        "OdooQueueJobsBehind",
        "warning",
        "platform",
        {
            'odoo_queue_job_oldest_pending_age_seconds{database="x", instance="a", channel="root.mail"}': Level(
                900, 901
            ),
            'odoo_queue_job_oldest_pending_age_seconds{database="x", instance="b", channel="root.mail"}': Level(
                900, 901
            ),
            'odoo_queue_job_oldest_pending_age_seconds{database="x", instance="a", channel="root"}': always(900),
        },
        5,
        15,
        15,
        "15m 1s",
        {"database": "x", "channel": "root.mail"},
    ),
    Case(
        "OdooQueueJobsFailing",
        "warning",
        "platform",
        {
            f'odoo_queue_job_runs_total{{database="x", instance="{instance}", channel="root", job_function="f", '
            f'outcome="{outcome}"}}': rate
            for instance in "ab"
            for outcome, rate in {
                "done": Rate(5, 4.9, 20),
                "failed": Rate(5, 5.1, 0),
                # what is run again has not ended
                "retried": Rate(9, 9, 9),
            }.items()
        }
        | {
            # the jobs of another function, and of another database, do not fail
            'odoo_queue_job_runs_total{database="x", channel="root", job_function="g", outcome="done"}': Rate(9, 9, 9),
            'odoo_queue_job_runs_total{database="y", channel="root", job_function="f", outcome="done"}': Rate(9, 9, 9),
        },
        1,
        9,
        10,
        "51",
        {"database": "x", "channel": "root", "job_function": "f"},
    ),
    Case(
        "OdooQueueJobsFailing",
        "warning",
        "platform",
        {
            # all jobs fail, and at first there are too few of them
            'odoo_queue_job_runs_total{database="x", channel="root", job_function="f", outcome="failed"}': Rate(
                2.9, 3, 0, history=((0, 60),)
            ),
        },
        61,
        1,
        120,
        "100",
        {"database": "x", "channel": "root", "job_function": "f"},
    ),
    Case(
        "OdooJobRunnerDown",
        "critical",
        "platform",
        {
            'odoo_queue_jobs{database="x", instance="a", channel="root", state="pending"}': always(2),
            'odoo_queue_jobs{database="x", instance="b", channel="root", state="pending"}': always(2),
            'odoo_queue_jobs{database="x", instance="a", channel="root.mail", state="enqueued"}': always(1),
            'odoo_queue_jobs{database="x", instance="a", channel="root", state="failed"}': always(50),
            'odoo_queue_job_runners{database="x", instance="a"}': Level(1, 0),
            'odoo_queue_job_runners{database="x", instance="b"}': Level(1, 0),
            # nothing to do, nobody to do it; and a database that one is connected to
            'odoo_queue_jobs{database="y", instance="a", channel="root", state="pending"}': always(0),
            'odoo_queue_job_runners{database="y", instance="a"}': always(0),
            'odoo_queue_jobs{database="z", instance="a", channel="root", state="pending"}': always(7),
            'odoo_queue_job_runners{database="z", instance="a"}': always(1),
        },
        5,
        15,
        15,
        "3",
        {"database": "x"},
    ),
    Case(
        "OdooJobRunnerDown",
        "critical",
        "platform",
        {
            'odoo_queue_jobs{database="x", instance="a", channel="root", state="pending"}': Level(0, 1),
            'odoo_queue_job_runners{database="x", instance="a"}': always(0),
        },
        5,
        15,
        15,
        "1",
        {"database": "x"},
        name="a single job",
    ),
    Case(
        "OdooMailQueueStuck",
        "warning",
        "platform",
        {
            'odoo_mail_queue_oldest_age_seconds{database="x", instance="a"}': Level(7200, 7201),
            'odoo_mail_queue_oldest_age_seconds{database="x", instance="b"}': Level(7200, 7201),
            'odoo_mail_queue_oldest_age_seconds{database="y", instance="a"}': always(7200),
        },
        10,
        20,
        20,
        "2h 0m 1s",
        {"database": "x"},
    ),
]


def _slow(name, api, at, values):
    """Of 100 calls 95.2 or 94.8 are fast enough; of calls that are all too slow, there are 4.9 or 5.1 in 5 minutes."""
    metric = f"api_{api}_latency_seconds"
    bounds = {0.5: (0.25, 0.75), 5: (2.5, 10)}[at]

    def calls(share, all_calls):
        return {
            f'{metric}_bucket{{endpoint="e", le="{bounds[0]}"}}': Rate(*(0.9 * step for step in share)),
            f'{metric}_bucket{{endpoint="e", le="{at}"}}': Rate(*share),
            f'{metric}_bucket{{endpoint="e", le="{bounds[1]}"}}': Rate(*all_calls),
            f'{metric}_bucket{{endpoint="e", le="+Inf"}}': Rate(*all_calls),
            f'{metric}_count{{endpoint="e"}}': Rate(*all_calls),
        }

    return [
        Case(
            name,
            "warning",
            "integration",
            calls((95.2, 94.8), (100, 100)),
            11,
            20,
            29,
            values[0],
        ),
        Case(
            name,
            "warning",
            "integration",
            calls((0, 0), (0.98, 1.02)),
            14,
            20,
            26,
            values[1],
            name="how many calls it takes",
        ),
    ]


def _unavailable(name, severity, api, objective, budget, value):
    count, errors = f"api_{api}_latency_seconds_count", f"api_{api}_errors_total"
    return [
        # 100 calls per minute
        Case(
            name,
            severity,
            "integration",
            {
                f'{count}{{status_code_class="2xx"}}': Rate(100 - 0.98 * budget, 100 - 1.02 * budget, 100),
                f'{count}{{status_code_class="5xx"}}': Rate(0.49 * budget, 0.51 * budget),
                f'{errors}{{status_code_class="5xx"}}': Rate(0.49 * budget, 0.51 * budget),
                f'{errors}{{status_code_class="circuit_open"}}': Rate(0.49 * budget, 0.51 * budget),
            },
            11,
            20,
            26,
            value,
            {"slo": objective},
        ),
        Case(
            name,
            severity,
            "integration",
            {
                f'{count}{{status_code_class="5xx"}}': Rate(98 / 60, 102 / 60),
                f'{errors}{{status_code_class="5xx"}}': Rate(98 / 60, 102 / 60),
            },
            69,
            75,
            82,
            "0.00",
            {"slo": objective},
            name="how many calls it takes",
        ),
        # 50% of the calls of the first minutes fail, and then none: of an hour that is still too many
        Case(
            name,
            severity,
            "integration",
            {
                f"{count}": always("0+100"),
                f"{errors}": Rate(0, 50, 0),
            },
            11,
            20,
            29,
            "47.73",
            {"slo": objective},
            name="whether calls still fail",
        ),
    ]


WEBHOOK, CALLBACK, AI, KYC = "odoo_to_n8n_webhook", "n8n_to_odoo_callback", "n8n_to_aiservice", "external_kyc_service"
INTEGRATION = [
    _probe("N8nDown", "critical", "integration", "n8n", 2),
    Case(
        "N8nWorkflowErrors",
        "warning",
        "integration",
        {
            'n8n_workflow_execution_errors_total{workflow_name="w", node_name="a"}': Rate(1, 1),
            'n8n_workflow_execution_errors_total{workflow_name="w", node_name="b"}': Rate(0.95, 1.05),
            'n8n_workflow_execution_errors_total{workflow_name="v", node_name="a"}': Rate(1, 1),
            'odoo_telemetry_threshold{name="n8n_errors_per_minute"}': always(2),
            'odoo_telemetry_threshold{name="application_errors_per_minute"}': always(5),
        },
        9,
        15,
        21,
        "2.0",
        {"workflow_name": "w"},
    ),
    _gauge(
        "N8nQueueLong",
        "warning",
        "integration",
        "n8n_workflow_execution_queue_length",
        20,
        10,
        5,
        "21",
        {},
        1,
    ),
    # one of two workers is enough, and a worker that is deleted has no target
    Case(
        "N8nWorkersMissing",
        "critical",
        "integration",
        {
            "n8n_scaling_mode_queue_jobs_waiting": always(4),
            'up{job="n8n-worker", instance="a"}': Level(1, 0),
            'up{job="n8n-worker", instance="b"}': Level(0, "_"),
            'up{job="n8n", instance="n8n"}': always(1),
        },
        2,
        10,
        10,
        "4",
    ),
    Case(
        "RedisDown",
        "critical",
        "integration",
        {'redis_up{job="redis", instance="r"}': Level(1, 0), 'redis_up{job="other", instance="o"}': always(0)},
        1,
        10,
        10,
        "0",
        {"job": "redis", "instance": "r"},
    ),
    _probe("AiServiceDown", "critical", "integration", "aiservice", 2),
    # on two instances together
    Case(
        "AiServiceErrorRateHigh",
        "critical",
        "integration",
        {
            'api_n8n_to_aiservice_errors_total{instance="a", status_code_class="5xx"}': Rate(3, 3),
            'api_n8n_to_aiservice_errors_total{instance="b", status_code_class="timeout"}': Rate(2.9, 3.1),
        },
        9,
        15,
        16,
        "0.10",
    ),
    Case(
        "AiServiceSlow",
        "warning",
        "integration",
        {
            "api_n8n_to_aiservice_latency_seconds_sum": Rate(149, 151, 50),
            "api_n8n_to_aiservice_latency_seconds_count": Rate(10, 10, 10),
        },
        11,
        20,
        26,
        "15.1s",
    ),
    *_unavailable("AiServiceUnavailable", "warning", AI, "aiservice", 0.5, "99.49"),
    *_slow("WebhookSlow", WEBHOOK, 0.5, ("509.6ms", "737.5ms")),
    *_unavailable("WebhookUnavailable", "critical", WEBHOOK, "webhook", 0.1, "99.90"),
    *_slow("CallbackSlow", CALLBACK, 0.5, ("509.6ms", "737.5ms")),
    *_unavailable("CallbackUnavailable", "critical", CALLBACK, "callback", 0.1, "99.90"),
    _probe("KycServiceDown", "warning", "integration", "kyc", 5),
    *_slow("KycServiceSlow", KYC, 5, ("5.192s", "9.75s")),
    Case(
        "KycServiceErrors",
        "warning",
        "integration",
        {
            "api_external_kyc_service_latency_seconds_count": Rate(100, 100, 100),
            "api_external_kyc_service_errors_total": Rate(9.9, 10.1),
        },
        11,
        20,
        31,
        "10.1",
        {"slo": "kyc"},
    ),
    Case(
        "KycServiceErrors",
        "warning",
        "integration",
        {
            "api_external_kyc_service_latency_seconds_count": Rate(19.6 / 60, 20.4 / 60),
            "api_external_kyc_service_errors_total": Rate(19.6 / 60, 20.4 / 60),
        },
        69,
        75,
        87,
        "100.0",
        {"slo": "kyc"},
        name="how many calls it takes",
    ),
    Case(
        "CircuitBreakerOpen",
        "warning",
        "integration",
        {
            'api_circuit_breaker_state{dependency="kyc", instance="a"}': Level(1, 2, 0),
            'api_circuit_breaker_state{dependency="kyc", instance="b"}': always(0),
        },
        1,
        10,
        13,
        "2",
        {"dependency": "kyc"},
    ),
]

IMAGE = "ai_image_generation_end_to_end_latency_seconds"


def _images(name, bound, larger, share, value, keep_firing):
    return Case(
        name,
        "warning",
        "integration",
        {
            f'{IMAGE}_bucket{{le="{bound - 5}.0"}}': Rate(share - 5, share - 5, 100),
            f'{IMAGE}_bucket{{le="{bound}.0"}}': Rate(share + 0.2, share - 0.2, 100),
            f'{IMAGE}_bucket{{le="{larger}.0"}}': Rate(100, 100, 100),
            f'{IMAGE}_bucket{{le="+Inf"}}': Rate(100, 100, 100),
            f"{IMAGE}_count": Rate(100, 100, 100),
        },
        11,
        20,
        21 + keep_firing,
        value,
    )


AI_IMAGES = [
    _images(
        "AiImageGenerationP95High",
        30,
        45,
        95,
        "30.58s",
        0,
    ),
    _images(
        "AiImageGenerationP90High",
        20,
        25,
        90,
        "20.1s",
        5,
    ),
    Case(
        "AiImageSuccessRateLow",
        "warning",
        "integration",
        {
            'ai_image_generation_success_total{instance="a"}': Rate(95.1, 94.9, 100),
            'ai_image_generation_success_total{instance="b"}': Rate(95.1, 94.9, 100),
            'ai_image_generation_failures_total{instance="a", reason="failed"}': Rate(4.9, 5.1),
        },
        16,
        25,
        41,
        "94.9",
    ),
    Case(
        "AiImageSuccessRateLow",
        "warning",
        "integration",
        {
            'ai_image_generation_failures_total{reason="failed"}': Rate(19.6 / 60, 20.4 / 60),
        },
        74,
        80,
        97,
        "0.0",
        name="how many images it takes",
    ),
    Case(
        "AiImagesPending",
        "warning",
        "integration",
        {
            'ai_image_generation_pending{instance="a"}': Level("48+0.05", "50.5+0.05", "40-1"),
            'ai_image_generation_pending{instance="b"}': always(0),
        },
        16,
        25,
        35,
        "51",
    ),
    Case(
        "AiImagesPending",
        "warning",
        "integration",
        {"ai_image_generation_pending": Level("90-0.01", "90+0.01", "70-1")},
        16,
        25,
        35,
        "90",
        name="whether they become more",
    ),
    Case(
        "AiImageVolumeHigh",
        "warning",
        "integration",
        {
            'ai_image_generation_requests_total{instance="a"}': Rate(9980 / 288, 10020 / 288),
            'ai_image_generation_requests_total{instance="b"}': Rate(9980 / 288, 10020 / 288),
        },
        1450,
        1600,
        1665,
        "10020",
        every=300,
    ),
    Case(
        "AiImageVolumeLow",
        "warning",
        "integration",
        {"ai_image_generation_requests_total": Rate(5020 / 288, 4980 / 288, 30)},
        1565,
        2000,
        2070,
        "4980",
        every=300,
    ),
    # the day before there was one image, or none
    Case(
        "AiImageVolumeLow",
        "warning",
        "integration",
        {"ai_image_generation_requests_total": Level("5", "5x143 5.9", "5.9+1000")},
        2280,
        2180,
        2985,
        "0",
        every=300,
        name="whether there were any before",
    ),
]

BUSINESS = [
    Case(
        "RegistrationSuccessRateLow",
        "warning",
        "business",
        {
            "influencer_registration_attempts_total": Rate(100, 100, 100),
            "influencer_registration_success_total": Rate(80.1, 79.9, 100),
        },
        61,
        180,
        181,
        "79.9",
    ),
    Case(
        "RegistrationsHigh",
        "warning",
        "business",
        {"influencer_registration_attempts_total": Rate(99 / 60, 101 / 60)},
        119,
        130,
        161,
        "101",
    ),
    Case(
        "RegistrationsLow",
        "warning",
        "business",
        {"influencer_registration_attempts_total": Rate(50.2 / 12, 49.8 / 12, 10)},
        1565,
        2000,
        2065,
        "50",
        every=300,
    ),
    Case(
        "RegistrationsLow",
        "warning",
        "business",
        {"influencer_registration_attempts_total": Level("5", "5x143 6", "6+100")},
        2280,
        2180,
        3020,
        "0",
        every=300,
        name="whether there were any before",
    ),
    Case(
        "KycApprovalRateLow",
        "warning",
        "business",
        {
            'influencer_kyc_verifications_total{verification_type="manual", outcome="approved"}': Rate(85.1, 84.9, 100),
            'influencer_kyc_verifications_total{verification_type="manual", outcome="rejected"}': Rate(14.9, 15.1),
        },
        61,
        70,
        131,
        "84.9",
    ),
    Case(
        "KycApprovalRateLow",
        "warning",
        "business",
        {
            'influencer_kyc_verifications_total{verification_type="manual", outcome="rejected"}': Rate(
                19.6 / 288, 20.4 / 288
            ),
        },
        1470,
        1600,
        1690,
        "0.0",
        every=300,
        name="how many decisions it takes",
    ),
    Case(
        "KycManualReviewSlow",
        "warning",
        "business",
        {
            "influencer_onboarding_kyc_manual_review_time_seconds_sum": Rate(23.9, 24.1, 1),
            "influencer_onboarding_kyc_manual_review_time_seconds_count": Rate(*[1 / 3600] * 3),
        },
        61,
        70,
        131,
        "24.1",
    ),
    Case(
        "KycQueueOld",
        "warning",
        "business",
        {'influencer_kyc_queue_oldest_age_seconds{instance="a", state="review"}': Level(86400, 86760)},
        60,
        70,
        70,
        "24.1",
        {"state": "review"},
    ),
    Case(
        "PaymentSuccessRateLow",
        "warning",
        "business",
        {
            "payment_processing_success_total": Rate(90.1, 89.9, 100),
            "payment_processing_failures_total": Rate(9.9, 10.1),
        },
        16,
        25,
        41,
        "89.9",
    ),
    Case(
        "PaymentSuccessRateLow",
        "warning",
        "business",
        {
            "payment_processing_failures_total": Rate(19.6 / 60, 20.4 / 60),
        },
        74,
        80,
        97,
        "0.0",
        name="how many payments it takes",
    ),
]

BACKUPS = [
    # 200 jobs a minute, of which one fails or none
    Case(
        "BackupJobFailed",
        "critical",
        "platform",
        {
            "backup_job_total": Rate(200, 200, 200),
            "backup_job_success_total": Rate(200, 199, 200),
        },
        1,
        10,
        1449,
        "99.7",
    ),
    Case(
        "BackupAttachmentsUnlisted",
        "warning",
        "platform",
        {
            'backup_attachments_unlisted{backup="platform"}': Level(0, 1, 0),
            'backup_attachments_unlisted{backup="n8n"}': always(0),
        },
        15,
        20,
        20,
        "1",
        {"backup": "platform"},
    ),
    # the last success is at the start; the next one comes after 3 hours, which is the threshold, or after 4
    Case(
        "BackupMissing",
        "critical",
        "platform",
        {
            'backup_last_success_timestamp_seconds{backup="platform"}': always("0+60"),
            'backup_last_success_timestamp_seconds{backup="n8n"}': always("0+60"),
            'backup_last_success_timestamp_seconds{backup="monitoring"}': Level("0x179 10800", 0, 14400),
            'backup_schedule_seconds{backup="platform"}': always(7200),
            'backup_schedule_seconds{backup="n8n"}': always(7200),
            'backup_schedule_seconds{backup="monitoring"}': always(7200),
        },
        196,
        240,
        240,
        "3h 16m 0s",
        {"backup": "monitoring"},
    ),
    Case(
        "BackupMissing",
        "critical",
        "platform",
        {
            'backup_last_success_timestamp_seconds{backup="platform"}': Level(0, SINCE_1970, 600),
            'backup_last_success_timestamp_seconds{backup="n8n"}': always("0+60"),
            'backup_last_success_timestamp_seconds{backup="monitoring"}': always("0+60"),
            'backup_schedule_seconds{backup="platform"}': always(7200),
        },
        15,
        25,
        25,
        "",
        {"backup": "platform"},
        name="a timestamp of 1970",
        description="BackupMissing, never",
    ),
    *(
        Case(
            "BackupMissing",
            "critical",
            "platform",
            {
                **{
                    f'backup_last_success_timestamp_seconds{{backup="{other}"}}': always("0+60")
                    for other in ("platform", "n8n", "monitoring")
                    if other != backup
                },
                f'backup_last_success_timestamp_seconds{{backup="{backup}"}}': Level("0+60", "_", "6000+60"),
                **{
                    f'backup_schedule_seconds{{backup="{other}"}}': always(7200)
                    for other in ("platform", "n8n", "monitoring")
                },
            },
            15,
            25,
            25,
            "15m 0s",
            {"backup": backup},
            name=f"none of {backup} ever",
        )
        for backup in ("platform", "n8n", "monitoring")
    ),
]


def _budget(alert, team, name, events, budget, later=0):
    """The cases of an error budget of `budget` percent; `events` makes its series of counters of events and failures.

    later: how many minutes the `for` of the fast alert is longer than 2m.

    10,000 events a sample, unless stated otherwise. Once an alert has fired, failures fall to just below its threshold.
    """
    labels = {"slo": name}

    def failing(factor, good, before=10000):
        """The error budget burns at `factor` times the pace of 30 days, after `good` samples without failures."""
        return events(
            Rate(10000, 10000, 10000, ((before, good),)),
            Rate(*(share * factor * budget * 100 for share in (0.98, 1.02, 0.96)), ((0, good),)),
        )

    def share(factor):
        return f"{1.02 * factor * budget:.4g}%"

    def few(window, busy=0, idle=0):
        """All events fail: 5 in `window` samples, after `busy` samples of many good events and `idle` of none."""
        step = Rate(4.9 / window, 5.1 / window, 0)
        if not busy:
            return events(step, step)
        return events(replace(step, history=((100000, busy), (0, idle))), replace(step, history=((0, busy + idle),)))

    fast = partial(Case, f"{alert}Fast", "critical", team, labels=labels)
    slow = partial(Case, f"{alert}Slow", "warning", team, labels=labels, every=900)
    return [
        fast(failing(14.4, 300), 360 + later, 75, 377, share(14.4), name="14.4 times, in an hour"),
        fast(
            failing(6, 360),
            714 + later,
            370,
            740,
            f"{(6.0349 + 0.017 * later) * budget:.4g}%",
            name="6 times, in 6 hours",
        ),
        fast(few(60, 240, 60), 360 + later, 75, 377, "100%", name="how many must fail in an hour"),
        fast(few(360), 355 + later, 370, 378, "100%", name="how many must fail in 6 hours"),
        slow(failing(3, 288, 20000), 5760, 1600, 5970, share(3), name="3 times, in a day"),
        slow(failing(1, 288), 8565, 4500, 8940, f"{1.0058 * budget:.4g}%", name="1 times, in 3 days"),
        slow(few(96, 192, 96), 5745, 1600, 5955, "100%", name="how many must fail in a day"),
        slow(few(288), 4245, 4500, 4590, "100%", name="how many must fail in 3 days"),
    ]


def _calls(api):
    def events(all_calls, failed):
        return {f"api_{api}_latency_seconds_count": all_calls, f"api_{api}_errors_total": failed}

    return events


def _image_latency(images, late):
    """Images within 30 s: all images less the late ones; their history has no late ones."""
    within = Rate(images.inside - late.inside, images.beyond - late.beyond, images.after - late.after, images.history)
    return {f'{IMAGE}_bucket{{le="30.0"}}': within, f'{IMAGE}_bucket{{le="+Inf"}}': images, f"{IMAGE}_count": images}


BUDGETS = [
    *_budget("WebhookErrorBudgetBurn", "integration", "webhook", _calls(WEBHOOK), 0.1),
    *_budget("CallbackErrorBudgetBurn", "integration", "callback", _calls(CALLBACK), 0.1),
    *_budget(
        "AiServiceErrorBudgetBurn",
        "integration",
        "aiservice",
        _calls(AI),
        0.5,
        later=4,
    ),
    *_budget("AiImageLatencyBudgetBurn", "integration", "image_latency", _image_latency, 5),
]


def _probes(number, values):
    """So many critical services with the same result of the probe; a fraction is the success rate of many probes."""
    return {f'probe_success{{service_name="s{service}", critical="true"}}': values for service in range(number)}


def _platform():
    """The cases of the platform's budget, whose events are probes: 25 a sample, but where it is said otherwise."""
    labels = {"slo": "platform"}
    fast = partial(Case, "PlatformAvailabilityBudgetBurnFast", "critical", "platform", labels=labels)
    slow = partial(Case, "PlatformAvailabilityBudgetBurnSlow", "warning", "platform", labels=labels, every=900)

    def failing(factor, good, before=25):
        """The error budget burns at `factor` times the pace of 30 days, after `good` samples without failures."""
        pace = Level(*(1 - share * factor * 0.001 for share in (0.98, 1.02, 0.96)), f"1x{good - 1}")
        return _probes(before, f"1x{good - 1}") | _probes(25, pace)

    def few(window, busy=0, idle=0):
        """Of one service, 5 probes fail in `window` samples, after `busy` of many good ones and `idle` of none."""
        history = f"1x{busy - 1} _x{idle}" if busy else ""
        return (_probes(100, f"1x{busy - 1}") if busy else {}) | _probes(
            1, Level(1 - 4.9 / window, 1 - 5.1 / window, 1, history)
        )

    return [
        fast(failing(14.4, 300), 360, 75, 376, "1.469%", name="14.4 times, in an hour"),
        fast(failing(6, 360), 714, 370, 739, "0.6035%", name="6 times, in 6 hours"),
        fast(few(60, 240, 60), 360, 75, 376, "8.5%", name="how many must fail in an hour"),
        fast(few(360), 354, 370, 377, "1.417%", name="how many must fail in 6 hours"),
        slow(failing(3, 288, 50), 5760, 1600, 5955, "0.306%", name="3 times, in a day"),
        slow(failing(1, 288), 8565, 4500, 8940, "0.1006%", name="1 times, in 3 days"),
        slow(few(96, 192, 96), 5745, 1600, 5940, "5.312%", name="how many must fail in a day"),
        slow(few(288), 4245, 4500, 4575, "1.771%", name="how many must fail in 3 days"),
    ]


BUDGETS += _platform()


def _known():
    """Half of all events fail; but if on-call was notified of the outage, they do not page again."""

    def calls(api):
        return {f"api_{api}_latency_seconds_count": "0+100x600", f"api_{api}_errors_total": "0+50x600"}

    images = {
        f'{IMAGE}_bucket{{le="30.0"}}': "0+50x600",
        f'{IMAGE}_bucket{{le="+Inf"}}': "0+100x600",
        f"{IMAGE}_count": "0+100x600",
    }
    probes = _probes(1, "1x600") | {'probe_success{service_name="down", critical="true"}': "0x600"}
    every = ("OdooDown", "N8nDown", "AiServiceDown", "PostgresDown")
    fires = {"aiservice": 7, "platform": 6}
    for alert, team, slo, series, outages in (
        (
            "WebhookErrorBudgetBurn",
            "integration",
            "webhook",
            calls(WEBHOOK),
            ("N8nDown", "PostgresDown"),
        ),
        (
            "CallbackErrorBudgetBurn",
            "integration",
            "callback",
            calls(CALLBACK),
            ("OdooDown", "PostgresDown"),
        ),
        (
            "AiServiceErrorBudgetBurn",
            "integration",
            "aiservice",
            calls(AI),
            ("AiServiceDown", "AiServiceErrorRateHigh"),
        ),
        (
            "AiImageLatencyBudgetBurn",
            "integration",
            "image_latency",
            images,
            every,
        ),
        (
            "PlatformAvailabilityBudgetBurn",
            "platform",
            "platform",
            probes,
            every,
        ),
    ):
        for outage in outages:
            known = {f'ALERTS{{alertname="{outage}", alertstate="firing"}}': Level(1, "_", 1)}
            yield Case(
                f"{alert}Fast",
                "critical",
                team,
                series | known,
                fires.get(slo, 3),
                20,
                20,
                "50%",
                {"slo": slo},
                name=f"{outage} was notified",
            )


BUDGETS += _known()

JOBS = [job["job_name"] for job in yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]]
FACT = "ai_image_generation_requests_total"


def _up(job):
    return f'up{{job="{job}", instance="i"}}'


def _monitoring(alert, severity, series, labels, fires, recovers, value, until=5, **more):
    return Case(alert, severity, "platform", series, fires, until, recovers, value, labels, **more)


def _in_ledger(alert, severity, series, labels, fires, until, recovers, value, **more):
    """The series are of two instances on the database x; the first lags behind and is always within the threshold."""
    return Case(
        alert,
        severity,
        "platform",
        {
            f'odoo_telemetry_{name}{{instance="{instance}", database="x"{rest}}}': values
            for (name, rest), both in series.items()
            for instance, values in zip("ab", both, strict=True)
        },
        fires,
        until,
        recovers,
        value,
        {"database": "x", **labels},
        **more,
    )


def _difference(missing, extra, name):
    """A row is missing in the ledger, or there is one that it should not have."""
    return _in_ledger(
        "TelemetryDisagreesWithDatabase",
        "critical",
        {
            ("audit_missing_rows", f', fact="{FACT}"'): (always(0), missing),
            ("audit_extra_rows", f', fact="{FACT}"'): (always(0), extra),
        },
        {"fact": FACT},
        5,
        10,
        10,
        "1",
        name=name,
    )


def _stale(series, value, name, description="TelemetryReadingStale, no reading"):
    """Of two instances the first has a reading of the database that is not stale."""
    return Case(
        "TelemetryReadingStale",
        "warning",
        "platform",
        {
            'odoo_telemetry_database_read_age_seconds{instance="a", database="x"}': always(20),
            **{
                f'odoo_telemetry_threshold{{instance="{instance}", database="x", name="{threshold}"}}': always(9)
                for instance in "ab"
                for threshold in ("concurrent_users", "n8n_errors_per_minute")
            },
            'odoo_telemetry_database_read_age_seconds{instance="b", database="x"}': series,
        },
        5,
        10,
        15,
        value,
        {"instance": "b", "database": "x"},
        name=name,
        description=description,
    )


def _restored(carried_over, facts, name):
    """Facts are carried over after 100 minutes; the first instance does not know yet."""
    return _in_ledger(
        "TelemetryDatabaseRestored",
        "warning",
        {
            ("facts_carried_over_total", f', fact="{FACT}"'): carried_over,
            ("ledger_backlog", ""): (always(0), always(0)),
        },
        {},
        100,
        80,
        160,
        facts,
        name=name,
    )


TELEMETRY = [
    _monitoring(
        "LabelOverflow",
        "warning",
        {'odoo_telemetry_labels_folded_total{instance="i", label="route"}': Rate(0, 0.6)},
        {"instance": "i", "label": "route"},
        1,
        124,
        "1",
    ),
    _monitoring(
        "TelemetryErrors",
        "warning",
        {
            'odoo_telemetry_errors_total{instance="i", reason="disk"}': Rate(0.33, 0.34),
            'odoo_telemetry_errors_total{instance="j", reason="disk"}': Rate(0.33, 0.33),
        },
        {"instance": "i", "reason": "disk"},
        14,
        36,
        "5",
        20,
    ),
    _difference(Level(0, 1), always(0), "a missing row"),
    _difference(always(0), Level(0, 1), "an extra row"),
    _stale(Level(300, 301), "5m 1s", "an old reading", "TelemetryReadingStale"),
    _stale(Level(20, "_", 20), "-1.0", "no reading"),
    # time begins in 1970: an audit of the fact completes after an hour (or 3.5), and another one after 57 hours
    _in_ledger(
        "TelemetryAuditStale",
        "warning",
        {
            ("audit_completed_timestamp_seconds", f', fact="{FACT}"'): (always(-3600), Level(12600, 3600, 205200)),
            ("audit_completed_timestamp_seconds", ', fact="influencer_active"'): (always(205200), always(205200)),
        },
        {},
        3315,
        3420,
        3420,
        "2d 6h 15m 0s",
        every=900,
    ),
    _in_ledger(
        "TelemetryAuditStale",
        "warning",
        {
            ("audit_completed_timestamp_seconds", f', fact="{FACT}"'): (
                always(SINCE_1970),
                Level(0, SINCE_1970, 3600),
            ),
        },
        {},
        360,
        420,
        420,
        "",
        every=900,
        name="a timestamp of 1970",
        description="TelemetryAuditStale, never",
    ),
    _in_ledger(
        "TelemetryLedgerBacklog",
        "warning",
        {("ledger_backlog", ""): (always(0), Level(50000, 50001))},
        {},
        15,
        25,
        40,
        "50001",
    ),
    _restored((always(4), Level(4, 5, 4, "4x99")), "1", "another restore"),
    _restored(("_", Level("_", 3, "_", "_x100")), "3", "the first restore"),
]


MONITORING = [
    Case(
        "TargetMissing",
        "critical",
        "platform",
        {_up("n8n"): Level(1, 0), _up("node"): always(0)},
        5,
        10,
        10,
        "0",
        {"job": "n8n", "instance": "i"},
    ),
    *(
        Case(
            "JobMissing",
            "critical",
            "platform",
            {**{_up(other): always(1) for other in JOBS}, _up(job): Level(1, "_", 1)},
            5,
            10,
            10,
            "1",
            {"job": job},
            name=f"{job} has no target",
        )
        for job in JOBS
    ),
    _monitoring(
        "ScrapeSlow",
        "warning",
        {'scrape_duration_seconds{job="j", instance="i"}': Level(3, 3.1)},
        {"job": "j", "instance": "i"},
        10,
        39,
        "3.1s",
        20,
    ),
    _monitoring(
        "RuleEvaluationFailing",
        "critical",
        {'prometheus_rule_evaluation_failures_total{rule_group="g"}': Rate(0, 0.6)},
        {"rule_group": "g"},
        1,
        24,
        "1",
    ),
    _monitoring(
        "AlertmanagerUnreachable",
        "critical",
        {'prometheus_notifications_errors_total{alertmanager="a"}': Rate(0, 0.6)},
        {"alertmanager": "a"},
        6,
        14,
        "3",
        10,
        name="it does not answer",
    ),
    _monitoring(
        "AlertmanagerUnreachable",
        "critical",
        {'prometheus_notifications_alertmanagers_discovered{instance="p"}': Level(1, 0)},
        {"instance": "p"},
        5,
        10,
        "0",
        10,
        name="there is none",
        description="AlertmanagerUnreachable, none",
    ),
    _monitoring(
        "NotificationsFailing",
        "critical",
        {'alertmanager_notifications_failed_total{integration="email"}': Rate(0, 0.6)},
        {"integration": "email"},
        6,
        24,
        "3",
        10,
    ),
    _monitoring(
        "LongTermStorageBehind",
        "warning",
        {
            'prometheus_remote_storage_samples_pending{job="prometheus", instance="p", remote_name="5m", url="u"}': Level(  # noqa: E501
                0, 1
            ),
        },
        {"job": "prometheus", "instance": "p", "remote_name": "5m", "url": "u"},
        10,
        30,
        "1",
        20,
    ),
]

CASES = [
    *HOSTS,
    *POSTGRESQL,
    *ODOO,
    *BACKGROUND,
    *TELEMETRY,
    *MONITORING,
    *GPU,
    *INTEGRATION,
    *AI_IMAGES,
    *BUSINESS,
    *BACKUPS,
    *BUDGETS,
]
