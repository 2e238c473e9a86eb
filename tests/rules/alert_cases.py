"""When alerts fire, with what they say, and when they recover: one case for each threshold of each alert."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import yaml

CONFIGURATION = Path(__file__).parents[2] / "prometheus" / "prometheus.yml"


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
    says: its description then; labels: those of its labels that tell what it is about.
    every: seconds between samples and evaluations.
    """

    alert: str
    severity: str
    team: str
    series: dict
    fires: float
    until: float
    recovers: float
    says: str
    labels: dict = field(default_factory=dict)
    every: int = 60
    name: str = "its threshold"

    def __str__(self):
        return f"{self.alert}: {self.name}"

    def tests(self, rule):
        """The tests of the case as promtool wants them; `rule` is that of the alert."""
        end = self.recovers + 10 * self.every / 60
        samples = [round(minutes * 60 / self.every) for minutes in (self.until, end - self.until)]
        tick = self.every / 60
        expected = [
            {
                "exp_labels": {**rule["labels"], "severity": self.severity, "team": self.team, **self.labels},
                "exp_annotations": {**rule["annotations"], "description": self.says},
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


def always(value):
    """A series that stays the same."""
    return f"{value}x20000"


WORKING_HOURS = {f"influencegen:working_hours:lead_{lasting}": always(1) for lasting in ("15m", "1h", "2h")}
"""For these cases it is always working hours; test_working_hours.py is about the others."""

HOST = {"host": "h", "service_name": "odoo"}
ON_HOST = 'host="h", service_name="odoo"'


def _cpu(name, severity, says, at, fires):
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
        says,
        HOST,
    )


def _gauge(name, severity, team, series, threshold, lasting, kept, says, labels, step=0.5, below=False):
    """A gauge that is exactly its threshold, and then beyond it by `step`."""
    beyond = threshold - step if below else threshold + step
    return Case(
        name,
        severity,
        team,
        {series: Level(threshold, beyond)},
        lasting,
        lasting + 10,
        lasting + 10 + kept,
        says,
        labels,
    )


def _memory(name, severity, says, at, lasting):
    return Case(
        name,
        severity,
        "platform",
        {
            f"node_memory_MemAvailable_bytes{{{ON_HOST}}}": Level(1000 - 10 * at, 995 - 10 * at),
            f"node_memory_MemTotal_bytes{{{ON_HOST}}}": always(1000),
        },
        lasting,
        lasting + 9,
        lasting + 14,
        says,
        HOST,
    )


FILES = f'{ON_HOST}, fstype="ext4", mountpoint="/"'
ROOT = {**HOST, "mount_point": "/"}


def _space(name, severity, says, at, lasting):
    return Case(
        name,
        severity,
        "platform",
        {
            f"node_filesystem_avail_bytes{{{FILES}}}": Level(1000 - 10 * at, 995 - 10 * at),
            f"node_filesystem_size_bytes{{{FILES}}}": always(1000),
        },
        lasting,
        lasting + 9,
        lasting + 14,
        says,
        ROOT,
    )


def _disk(name, severity, says, at):
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
        says,
        {**HOST, "device": "sda"},
    )


def _network(name, severity, says, at):
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
        says,
        {**HOST, "device": "eth0"},
    )


HOSTS = [
    _cpu(
        "HostCpuHigh",
        "warning",
        "The CPUs of h (odoo) were 70.2% busy over the last 5 minutes; the threshold is 70%.",
        70,
        16,
    ),
    _cpu(
        "HostCpuCritical",
        "critical",
        "The CPUs of h (odoo) were 85.2% busy over the last 5 minutes; the threshold is 85%.",
        85,
        11,
    ),
    _memory("HostMemoryHigh", "warning", "75.5% of the memory of h (odoo) is used; the threshold is 75%.", 75, 15),
    _memory("HostMemoryCritical", "critical", "90.5% of the memory of h (odoo) is used; the threshold is 90%.", 90, 5),
    _space("DiskSpaceLow", "warning", "/ on h is 80.5% full; the threshold is 80%.", 80, 15),
    _space("DiskSpaceCritical", "critical", "/ on h is 90.5% full; the threshold is 90%.", 90, 5),
    _disk("DiskBusy", "warning", "sda of h was busy 70.1% of the last 5 minutes; the threshold is 70%.", 70),
    _disk("DiskSaturated", "critical", "sda of h was busy 90.1% of the last 5 minutes; the threshold is 90%.", 90),
    _network(
        "NetworkBusy",
        "warning",
        "eth0 of h carried 70.1% of what it can over the last 5 minutes; the threshold is 70%.",
        70,
    ),
    _network(
        "NetworkSaturated",
        "critical",
        "eth0 of h carried 90.1% of what it can over the last 5 minutes; the threshold is 90%.",
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
        "h (odoo) does not answer Prometheus (up is 0).",
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
        "/ on h is 71.0% full, and will be full within 24 hours if it goes on filling as it did over the last 6.",
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
        "/ on h is 66.1% full, and will be full within 24 hours if it goes on filling as it did over the last 6.",
        ROOT,
        name="how full it must be",
    ),
]

ON_GPU = 'host="h", gpu="0", uuid="u"'
THE_GPU = {"host": "h", "gpu": "0", "uuid": "u"}


def _gpu_memory(name, severity, says, at, lasting):
    return Case(
        name,
        severity,
        "integration",
        {
            f"gpu_memory_used_bytes{{{ON_GPU}}}": Level(at, at + 0.5),
            f"gpu_memory_total_bytes{{{ON_GPU}}}": always(100),
        },
        lasting,
        lasting + 9,
        lasting + 14,
        says,
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
        "GPU 0 of h was 70.5% busy over the last 5 minutes; the threshold is 70%.",
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
        "GPU 0 of h was 90.5% busy over the last 5 minutes; the threshold is 90%.",
        THE_GPU,
    ),
    _gpu_memory("GpuMemoryHigh", "warning", "75.5% of the memory of GPU 0 of h is used; the threshold is 75%.", 75, 15),
    _gpu_memory(
        "GpuMemoryCritical",
        "critical",
        "90.5% of the memory of GPU 0 of h is used; the threshold is 90%.",
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
        "A GPU of h, or its driver, does not answer (gpu_up is 0).",
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
        "GPU 0 of h reported 1 errors in the last hour.",
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
        "GPU 0 of h reported 1 errors in the last hour.",
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
        "GPU 0 of h has 86 °C; the threshold is 85 °C.",
        THE_GPU,
        1,
    ),
]

DB = {"db_instance": "d"}
SESSIONS = 'db_instance="d", datname="odoo", state="active", backend_type="client backend"'


def _connections(name, severity, says, at, lasting):
    return Case(
        name,
        severity,
        "platform",
        {
            f"pg_stat_activity_count{{{SESSIONS}}}": Level(2 * at, 2 * at + 1),
            'pg_stat_activity_count{db_instance="d", datname="odoo", backend_type="parallel worker"}': always(8),
            'pg_settings_max_connections{db_instance="d"}': always(200),
        },
        lasting,
        lasting + 9,
        lasting + 14,
        says,
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
    "A client's transaction in odoo on d has been open for 30m 30s; it holds its locks, and keeps old rows from being "
    "cleared away.",
    {**DB, "datname": "odoo"},
    30,
)


def _miscounted(value):
    return (
        f"The count of slow statements on d is too low or has another threshold (value {value}): more than 0 lines "
        "of the log in the last hour are damaged or in another language than English, or "
        "log_min_duration_statement differs from the threshold of the exporter."
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
        "PostgreSQL on d does not answer (pg_up is 0).",
        DB,
    ),
    _connections(
        "PostgresConnectionsHigh",
        "warning",
        "80.5% of the connections that PostgreSQL on d allows are used; the threshold is 80%.",
        80,
        5,
    ),
    _connections(
        "PostgresConnectionsCritical",
        "critical",
        "95.5% of the connections that PostgreSQL on d allows are used; the threshold is 95%.",
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
        "72.5% of the connections that PostgreSQL on d allows are used, and none will be left within 1 h if "
        "it goes on as over the last 30 minutes.",
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
        "77.0% of the connections that PostgreSQL on d allows are used, and none will be left within 1 h if "
        "it goes on as over the last 30 minutes.",
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
        "5.1 statements per minute in the database odoo took PostgreSQL on d too long over the last 5 "
        "minutes; the threshold is 5.",
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
            _miscounted(value),
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
            _miscounted(value),
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
        "5 deadlocks in odoo on d in the last hour; the threshold is 5.",
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
        "The standby d is 1m 1s behind; the threshold is 60 s.",
        DB,
        1,
    ),
]


def _probe(name, severity, team, service, lasting):
    return Case(
        name,
        severity,
        team,
        {f'probe_success{{service_name="{service}"}}': Level(1, 0)},
        lasting,
        10,
        10,
        "It did not answer the probe of its health (probe_success is 0).",
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
        "1 of the http workers that i is configured for are not there.",
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
        "2 of the cron workers that i is configured for are not there.",
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
        "10 connections are queued for a http worker of i; the threshold is 10.",
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
        "i refused 1 connections in the last 5 minutes, because too many waited for a http worker.",
        {"instance": "i", "listener": "http"},
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
        "5.1 unhandled errors per minute in the log of i over the last 5 minutes; more than the settings of its "
        "databases allow.",
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
        "The ORM cache of i answered 79.8% of the look-ups of the last 5 minutes; the threshold is 80%.",
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
        "The ORM cache of i answered 50.0% of the look-ups of the last 5 minutes; the threshold is 80%.",
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
        "201 users of the database x work at the same time; more than Odoo's settings allow for.",
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
        "51% of the runs of mail in the database x in the last hour failed.",
        {"database": "x", "cron": "mail"},
    ),
]


def _slow(name, api, who, at, says):
    """Of 100 calls 95 or 94 are fast enough; and of calls that are all too slow, 5 in 5 minutes are enough."""
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

    end = f" over the last 5 minutes; the threshold is {at:g} s."
    return [
        Case(
            name,
            "warning",
            "integration",
            calls((95.2, 94.8), (100, 100)),
            11,
            20,
            29,
            f"The p95 latency of calls to {who} was {says[0]}{end}",
        ),
        Case(
            name,
            "warning",
            "integration",
            calls((0, 0), (0.98, 1.02)),
            14,
            20,
            26,
            f"The p95 latency of calls to {who} was {says[1]}{end}",
            name="how many calls it takes",
        ),
    ]


def _unavailable(name, severity, api, objective, who, budget, says):
    count, errors = f"api_{api}_latency_seconds_count", f"api_{api}_errors_total"
    promised = f"the objective is {100 - budget:g}%."
    return [
        # 100 calls a minute
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
            f"{says}% of the calls to {who} in the last hour succeeded, and some still fail; {promised}",
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
            f"0.00% of the calls to {who} in the last hour succeeded, and some still fail; {promised}",
            {"slo": objective},
            name="how many calls it takes",
        ),
        # half of the calls of the first minutes fail, and then none: of an hour that is still too many
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
            f"47.73% of the calls to {who} in the last hour succeeded, and some still fail; {promised}",
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
        "2.0 executions of w a minute failed over the last 5 minutes; more than Odoo's settings allow.",
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
        "21 executions are queued; the threshold is 20.",
        {},
        1,
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
        "0.10 calls a second from n8n to the AI image service failed over the last 5 minutes; the threshold is 0.1.",
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
        "A call to the AI image service took 15.1s on average over the last 5 minutes; the threshold is 15 s.",
    ),
    *_unavailable("AiServiceUnavailable", "warning", AI, "aiservice", "the AI image service", 0.5, "99.49"),
    *_slow("WebhookSlow", WEBHOOK, "n8n's webhook", 0.5, ("509.6ms", "737.5ms")),
    *_unavailable("WebhookUnavailable", "critical", WEBHOOK, "webhook", "n8n's webhook", 0.1, "99.90"),
    *_slow("CallbackSlow", CALLBACK, "Odoo's callback", 0.5, ("509.6ms", "737.5ms")),
    *_unavailable("CallbackUnavailable", "critical", CALLBACK, "callback", "Odoo's callback", 0.1, "99.90"),
    _probe("KycServiceDown", "warning", "integration", "kyc", 5),
    *_slow("KycServiceSlow", KYC, "the KYC service", 5, ("5.192s", "9.75s")),
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
        "10.1% of the calls to the KYC service in the last hour failed; the threshold is 10%.",
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
        "100.0% of the calls to the KYC service in the last hour failed; the threshold is 10%.",
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
        "The circuit to kyc is open (state 2): calls fail at once, without being made.",
        {"dependency": "kyc"},
    ),
]

IMAGE = "ai_image_generation_end_to_end_latency_seconds"


def _images(name, bound, larger, share, says, kept):
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
        21 + kept,
        says,
    )


AI_IMAGES = [
    _images(
        "AiImageGenerationP95High",
        30,
        45,
        95,
        "The p95 latency of AI images was 30.58s over the last 5 minutes; the threshold is 30 s.",
        0,
    ),
    _images(
        "AiImageGenerationP90High",
        20,
        25,
        90,
        "The p90 latency of AI images was 20.1s over the last 5 minutes; the threshold is 20 s.",
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
        "94.9% of the AI images of the last hour were made; the threshold is 95%.",
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
        "0.0% of the AI images of the last hour were made; the threshold is 95%.",
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
        "51 AI images are pending, and the number grows; the threshold is 50.",
    ),
    Case(
        "AiImagesPending",
        "warning",
        "integration",
        {"ai_image_generation_pending": Level("90-0.01", "90+0.01", "70-1")},
        16,
        25,
        35,
        "90 AI images are pending, and the number grows; the threshold is 50.",
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
        "10020 AI images were requested in the last 24 hours; the threshold is 10000.",
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
        "4980 AI images were requested in the last 24 hours; the threshold is 5000.",
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
        "0 AI images were requested in the last 24 hours; the threshold is 5000.",
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
        "79.9% of the registration attempts of the last hour succeeded; the threshold is 80%.",
    ),
    Case(
        "RegistrationsHigh",
        "warning",
        "business",
        {"influencer_registration_attempts_total": Rate(99 / 60, 101 / 60)},
        119,
        130,
        161,
        "101 registrations were attempted in the last hour; the threshold is 100.",
    ),
    Case(
        "RegistrationsLow",
        "warning",
        "business",
        {"influencer_registration_attempts_total": Rate(50.2 / 12, 49.8 / 12, 10)},
        1565,
        2000,
        2065,
        "50 registrations per hour were attempted over the last day; the threshold is 50.",
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
        "0 registrations per hour were attempted over the last day; the threshold is 50.",
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
        "84.9% of the KYC verifications of the last day were approved; the threshold is 85%.",
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
        "0.0% of the KYC verifications of the last day were approved; the threshold is 85%.",
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
        "A manual KYC review took 24.1 hours on average over the last day; the threshold is 24.",
    ),
    Case(
        "KycQueueOld",
        "warning",
        "business",
        {'influencer_kyc_queue_oldest_age_seconds{instance="a", state="review"}': Level(86400, 86760)},
        60,
        70,
        70,
        "A KYC submission in state review has waited 24.1 hours; the threshold is 24.",
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
        "89.9% of the payments that ended in the last hour succeeded; the threshold is 90%.",
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
        "0.0% of the payments that ended in the last hour succeeded; the threshold is 90%.",
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
        "99.7% of the backup jobs of the last 24 hours succeeded; all must.",
    ),
    # the last good one at the start; from then on every 20 hours, or 15 hours and a half later
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
        "The last good backup of monitoring is 3h 16m 0s old, more than 1.5 times what it may be; if "
        "that is decades, there never was one.",
        {"backup": "monitoring"},
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
            f"The last good backup of {backup} is 15m 0s old, more than 1.5 times what it may be; if that is "
            "decades, there never was one.",
            {"backup": backup},
            name=f"none of {backup} ever",
        )
        for backup in ("platform", "n8n", "monitoring")
    ),
]


def _budget(alert, team, name, events, budget, what, later=0):
    """The cases of an error budget of `budget` percent; `events` makes its series of counters of events and failures.

    later: by how many minutes the fast one fires later than after 2.

    10000 events a sample, but where it is said otherwise. After an alert has fired, as many fail as are just inside.
    """
    end = f"% of the {what} failed; the objective is {100 - budget:g}% over 30 days."
    labels = {"slo": name}

    def failing(factor, good, before=10000):
        """The pace is such a factor, after so many samples of which none failed."""
        return events(
            Rate(10000, 10000, 10000, ((before, good),)),
            Rate(*(share * factor * budget * 100 for share in (0.98, 1.02, 0.96)), ((0, good),)),
        )

    def share(factor):
        return f"{1.02 * factor * budget:.4g}"

    def few(window, busy=0, idle=0):
        """All events fail, 5 in `window` samples, after samples of many that did not, and of none."""
        step = Rate(4.9 / window, 5.1 / window, 0)
        if not busy:
            return events(step, step)
        return events(replace(step, history=((100000, busy), (0, idle))), replace(step, history=((0, busy + idle),)))

    fast = partial(Case, f"{alert}Fast", "critical", team, labels=labels)
    slow = partial(Case, f"{alert}Slow", "warning", team, labels=labels, every=900)
    return [
        fast(failing(14.4, 300), 360 + later, 75, 377, f"{share(14.4)}{end}", name="14.4 times, in an hour"),
        fast(
            failing(6, 360),
            714 + later,
            370,
            740,
            f"{(6.0349 + 0.017 * later) * budget:.4g}{end}",
            name="6 times, in 6 hours",
        ),
        fast(few(60, 240, 60), 360 + later, 75, 377, f"100{end}", name="how many must fail in an hour"),
        fast(few(360), 355 + later, 370, 378, f"100{end}", name="how many must fail in 6 hours"),
        slow(failing(3, 288, 20000), 5760, 1600, 5970, f"{share(3)}{end}", name="3 times, in a day"),
        slow(failing(1, 288), 8565, 4500, 8940, f"{1.0058 * budget:.4g}{end}", name="once, in 3 days"),
        slow(few(96, 192, 96), 5745, 1600, 5955, f"100{end}", name="how many must fail in a day"),
        slow(few(288), 4245, 4500, 4590, f"100{end}", name="how many must fail in 3 days"),
    ]


def _calls(api):
    def events(all_calls, failed):
        return {f"api_{api}_latency_seconds_count": all_calls, f"api_{api}_errors_total": failed}

    return events


def _image_latency(images, late):
    """How many were within 30 s is how many there were, less those that were late; in their history none was."""
    within = Rate(images.inside - late.inside, images.beyond - late.beyond, images.after - late.after, images.history)
    return {f'{IMAGE}_bucket{{le="30.0"}}': within, f'{IMAGE}_bucket{{le="+Inf"}}': images, f"{IMAGE}_count": images}


BUDGETS = [
    *_budget("WebhookErrorBudgetBurn", "integration", "webhook", _calls(WEBHOOK), 0.1, "calls to n8n's webhook"),
    *_budget("CallbackErrorBudgetBurn", "integration", "callback", _calls(CALLBACK), 0.1, "calls to Odoo's callback"),
    *_budget(
        "AiServiceErrorBudgetBurn",
        "integration",
        "aiservice",
        _calls(AI),
        0.5,
        "calls to the AI image service",
        later=4,
    ),
    *_budget("AiImageLatencyBudgetBurn", "integration", "image_latency", _image_latency, 5, "AI images within 30 s"),
]


def _probes(number, values):
    """So many critical services, whose probes say the same; a share of a whole one stands for many probes."""
    return {f'probe_success{{service_name="s{service}", critical="true"}}': values for service in range(number)}


def _platform():
    """The cases of the platform's budget, whose events are probes: 100 a sample, but where it is said otherwise."""
    end = "% of the probes of Odoo, n8n and the AI service failed; the objective is 99.9% over 30 days."
    labels = {"slo": "platform"}
    fast = partial(Case, "PlatformAvailabilityBudgetBurnFast", "critical", "platform", labels=labels)
    slow = partial(Case, "PlatformAvailabilityBudgetBurnSlow", "warning", "platform", labels=labels, every=900)

    def failing(factor, good, before=100):
        """The pace is such a factor, after so many samples of which none failed."""
        pace = Level(*(1 - share * factor * 0.001 for share in (0.98, 1.02, 0.96)), f"1x{good - 1}")
        return _probes(before, f"1x{good - 1}") | _probes(100, pace)

    def few(window, busy=0, idle=0):
        """Of one service's probes 5 in `window` samples fail, after samples of many that did not, and of none."""
        history = f"1x{busy - 1} _x{idle}" if busy else ""
        return (_probes(100, f"1x{busy - 1}") if busy else {}) | _probes(
            1, Level(1 - 4.9 / window, 1 - 5.1 / window, 1, history)
        )

    return [
        fast(failing(14.4, 300), 360, 75, 376, f"1.469{end}", name="14.4 times, in an hour"),
        fast(failing(6, 360), 714, 370, 739, f"0.6035{end}", name="6 times, in 6 hours"),
        fast(few(60, 240, 60), 360, 75, 376, f"8.5{end}", name="how many must fail in an hour"),
        fast(few(360), 354, 370, 377, f"1.417{end}", name="how many must fail in 6 hours"),
        slow(failing(3, 288, 200), 5760, 1600, 5955, f"0.306{end}", name="3 times, in a day"),
        slow(failing(1, 288), 8565, 4500, 8940, f"0.1006{end}", name="once, in 3 days"),
        slow(few(96, 192, 96), 5745, 1600, 5940, f"5.312{end}", name="how many must fail in a day"),
        slow(few(288), 4245, 4500, 4575, f"1.771{end}", name="how many must fail in 3 days"),
    ]


BUDGETS += _platform()


def _known():
    """Half of all events fail; but if on-call was told of the outage, that is no news, and no page of its own."""

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
    for alert, team, slo, series, outages, end in (
        (
            "WebhookErrorBudgetBurn",
            "integration",
            "webhook",
            calls(WEBHOOK),
            ("N8nDown", "PostgresDown"),
            "calls to n8n's webhook failed; the objective is 99.9%",
        ),
        (
            "CallbackErrorBudgetBurn",
            "integration",
            "callback",
            calls(CALLBACK),
            ("OdooDown", "PostgresDown"),
            "calls to Odoo's callback failed; the objective is 99.9%",
        ),
        (
            "AiServiceErrorBudgetBurn",
            "integration",
            "aiservice",
            calls(AI),
            ("AiServiceDown", "AiServiceErrorRateHigh"),
            "calls to the AI image service failed; the objective is 99.5%",
        ),
        (
            "AiImageLatencyBudgetBurn",
            "integration",
            "image_latency",
            images,
            every,
            "AI images within 30 s failed; the objective is 95%",
        ),
        (
            "PlatformAvailabilityBudgetBurn",
            "platform",
            "platform",
            probes,
            every,
            "probes of Odoo, n8n and the AI service failed; the objective is 99.9%",
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
                f"50% of the {end} over 30 days.",
                {"slo": slo},
                name=f"{outage} has told of it",
            )


BUDGETS += _known()

JOBS = [job["job_name"] for job in yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]]
FACT = "ai_image_generation_requests_total"


def _up(job):
    return f'up{{job="{job}", instance="i"}}'


def _monitoring(alert, severity, series, labels, fires, recovers, says, until=5, **more):
    return Case(alert, severity, "platform", series, fires, until, recovers, says, labels, **more)


def _in_ledger(alert, severity, series, labels, fires, until, recovers, says, **more):
    """The series are of two instances on the database x; the first, behind the other, is always inside."""
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
        says,
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
        f"1 rows of {FACT} in the database x are missing in the ledger or no longer there, by the last complete audit; "
        "more than 0 is a difference. The metric is wrong by up to as many.",
        name=name,
    )


def _stale(series, says, name):
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
        f"{says}; more than 300 s is stale. Alerts and dashboards that use it show an earlier state.",
        {"instance": "b", "database": "x"},
        name=name,
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
        f"The database x held {facts} facts fewer than its counters when it was read in the last hour; more than 0 "
        "is a restore. The counters include what the restore removed.",
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
        "1 values of the label route of i became `other` in the last hour.",
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
        "5 errors of kind disk in i in the last 15 minutes: values are missing or old.",
        20,
    ),
    _difference(Level(0, 1), always(0), "a missing row"),
    _difference(always(0), Level(0, 1), "an extra row"),
    _stale(Level(300, 301), "The reading of the database x by b is 5m 1s old", "an old reading"),
    _stale(
        Level(0, -0.5, 0),
        "b has no reading of the database x, or one with an age below 0 (-0.5 s)",
        "a reading of the future",
    ),
    _stale(Level(20, "_", 20), "b has no reading of the database x, or one with an age below 0 (-1.0 s)", "no reading"),
    # time begins in 1970: an audit of the fact completes then, and another one after 57 hours
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
        "The last complete audit of a fact in the database x ended 2d 6h 15m 0s ago; more than 2 days is stale, and "
        "decades mean that none has ended. Differences between counters and rows are not detected.",
        every=900,
    ),
    _in_ledger(
        "TelemetryLedgerBacklog",
        "warning",
        {("ledger_backlog", ""): (always(0), Level(50000, 50001))},
        {},
        15,
        25,
        40,
        "50001 entries of the ledger in the database x are not rolled up; more than 50000 is a backlog. "
        "Counters stay right, and each scrape takes longer.",
    ),
    _restored((always(4), Level(4, 5, 4, "4x99")), 1, "another restore"),
    _restored(("_", Level("_", 3, "_", "_x100")), 3, "the first restore"),
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
        "i does not answer for job n8n (up is 0): what it measures is not seen.",
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
            f"Prometheus has no target for job {job} (absent is 1): what it measures is not seen.",
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
        "i took 3.1s on average to answer job j; the threshold is 3 s.",
        20,
    ),
    _monitoring(
        "RuleEvaluationFailing",
        "critical",
        {'prometheus_rule_evaluation_failures_total{rule_group="g"}': Rate(0, 0.6)},
        {"rule_group": "g"},
        1,
        24,
        "1 evaluations of g failed in the last 5 minutes: its alerts are blind.",
    ),
    _monitoring(
        "AlertmanagerUnreachable",
        "critical",
        {'prometheus_notifications_errors_total{alertmanager="a"}': Rate(0, 0.6)},
        {"alertmanager": "a"},
        6,
        14,
        "Prometheus can't hand alerts over to Alertmanager (3).",
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
        "Prometheus can't hand alerts over to Alertmanager (0).",
        10,
        name="there is none",
    ),
    _monitoring(
        "NotificationsFailing",
        "critical",
        {'alertmanager_notifications_failed_total{integration="email"}': Rate(0, 0.6)},
        {"integration": "email"},
        6,
        24,
        "3 notifications by email failed in the last 5 minutes.",
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
        "1 samples wait to be sent to 5m, and have waited all the time; each round of rules should be sent within "
        "seconds.",
        20,
    ),
]

CASES = [
    *HOSTS,
    *POSTGRESQL,
    *ODOO,
    *TELEMETRY,
    *MONITORING,
    *GPU,
    *INTEGRATION,
    *AI_IMAGES,
    *BUSINESS,
    *BACKUPS,
    *BUDGETS,
]
