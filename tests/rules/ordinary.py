"""Ordinary traffic, minute by minute: days and nights, a quieter weekend, single failures, backups and deploys.

What happens in a minute is drawn at random, from a seed, so that each run is the same.
"""

import math
import random

from .alert_cases import JOBS

DAY = 1440
DEPLOY = 14 * 60
"""The minute of a working day at which Odoo is deployed: it is away for a minute, and its counters restart."""

AWAY = 1
BACKUP = 2 * 60
ODOO_JOBS = {"influencegen-fast", "influencegen-system", "influencegen-business"}


def series(days, n8n_down=range(0)):
    """Return the series of so many days from a Monday on, in promtool's notation, one value a minute.

    n8n_down: minutes in which n8n does not answer.
    """
    minutes = range(days * DAY)
    draw = random.Random(5)
    busy = [_busy(minute) for minute in minutes]
    deployed = {
        minute + late for minute in minutes for late in range(AWAY) if minute % DAY == DEPLOY and minute // DAY % 7 < 5
    }
    up = [0 if minute in deployed else 1 for minute in minutes]

    def events(an_hour):
        """How many there are in each minute, of so many an hour on average."""
        return [_poisson(draw, an_hour / 60 * load) for load in busy]

    def some(of, share):
        """How many of the events `of` each minute have a property that `share` of all events have."""
        return [sum(draw.random() < share for _ in range(number)) for number in of]

    def gauge(low, high, spread=0.1):
        """A value between quiet and busy, with some noise."""
        return [low + (high - low) * load / 1.6 + draw.uniform(-spread, spread) * (high - low) for load in busy]

    def by_odoo(numbers):
        """A counter that Odoo holds in its memory."""
        return _counter(numbers, deployed)

    requests = events(320)
    failed = some(requests, 0.004)
    stored = [number - its for number, its in zip(requests, failed, strict=True)]
    registrations = events(60)
    registered = some(registrations, 0.93)
    decided = events(40)
    approved = some(decided, 0.93)
    payments = events(60)
    unpaid = some(payments, 0.01)
    backups = [1 if minute % DAY == BACKUP + 10 else 0 for minute in minutes]
    facts = {
        "ai_image_generation_requests_total": requests,
        "ai_image_generation_success_total": stored,
        "influencer_registration_success_total": registered,
        "payment_processing_success_total": payments,
    }
    host = '{host="h", service_name="shared"'
    database = '{db_instance="d", datname="odoo"'
    answers = {
        "odoo": up,
        "n8n": [0 if minute in n8n_down else 1 for minute in minutes],
        "aiservice": [1 for _ in minutes],
        # a probe of the KYC service is lost on two days
        "kyc": [0 if minute in (2000, 6000) else 1 for minute in minutes],
    }
    cpu = [
        22 + 25 * load + draw.uniform(-6, 6) + (30 if minute % DAY in range(BACKUP, BACKUP + 10) else 0)
        for minute, load in enumerate(busy)
    ]

    values = {
        **{f'up{{job="{job}", instance="i"}}': up if job in ODOO_JOBS else [1 for _ in minutes] for job in JOBS},
        **{
            f'probe_success{{service_name="{name}", critical="{"false" if name == "kyc" else "true"}"}}': answer
            for name, answer in answers.items()
        },
        **{f'{name}{{instance="i", database="x"}}': _counter(numbers) for name, numbers in facts.items()},
        **_ledger(minutes, facts, draw),
        'ai_image_generation_failures_total{reason="failed"}': _counter(failed),
        "ai_image_generation_pending": gauge(0, 8),
        **_latency(
            "ai_image_generation_end_to_end_latency_seconds",
            requests,
            some,
            {"10.0": 0.7, "15.0": 0.95, "20.0": 0.985, "30.0": 0.997},
            9,
            by_odoo,
        ),
        **_calls(
            "odoo_to_n8n_webhook", requests, 0.0002, {"0.1": 0.8, "0.25": 0.985, "0.5": 0.999}, 0.08, some, by_odoo
        ),
        **_calls("n8n_to_aiservice", requests, 0.001, {"5.0": 0.3, "10.0": 0.8, "15.0": 0.97}, 7.5, some, _counter),
        **_calls(
            "n8n_to_odoo_callback", requests, 0.0002, {"0.1": 0.8, "0.25": 0.985, "0.5": 0.999}, 0.08, some, _counter
        ),
        **_calls("external_kyc_service", decided, 0.004, {"1.0": 0.8, "2.5": 0.99, "5.0": 0.9995}, 0.8, some, by_odoo),
        'api_circuit_breaker_state{dependency="aiservice"}': [0 for _ in minutes],
        "influencer_registration_attempts_total": by_odoo(registrations),
        'influencer_kyc_verifications_total{verification_type="manual", outcome="approved"}': _counter(approved),
        'influencer_kyc_verifications_total{verification_type="manual", outcome="rejected"}': _counter(
            [number - its for number, its in zip(decided, approved, strict=True)]
        ),
        "influencer_onboarding_kyc_manual_review_time_seconds_sum": by_odoo([9 * 3600 * number for number in decided]),
        "influencer_onboarding_kyc_manual_review_time_seconds_count": by_odoo(decided),
        'influencer_kyc_queue_oldest_age_seconds{state="review"}': gauge(50000, 10000),
        "payment_processing_failures_total": _counter(unpaid),
        'odoo_workers_configured{instance="i", kind="http"}': [4 for _ in minutes],
        # one is recycled now and then
        'odoo_workers_active{instance="i", kind="http"}': [3 if minute % 200 == 0 else 4 for minute in minutes],
        'odoo_request_queue_length{instance="i", listener="http"}': [_poisson(draw, load / 2) for load in busy],
        'odoo_request_queue_overflows_total{instance="i", listener="http"}': [0 for _ in minutes],
        'odoo_application_errors_total{error_type="orm_error"}': by_odoo(events(6)),
        # after a deploy the cache is cold
        "odoo_orm_cache_hits_total": by_odoo(
            [int(900 * load * (0.6 if _just(minute) else 1)) for minute, load in enumerate(busy)]
        ),
        "odoo_orm_cache_misses_total": by_odoo(
            [int(60 * load * (7 if _just(minute) else 1)) for minute, load in enumerate(busy)]
        ),
        'odoo_concurrent_users{user_role="user", instance="i", database="x"}': gauge(5, 140),
        'odoo_cron_runs_total{cron="mail"}': by_odoo([1 for _ in minutes]),
        'odoo_cron_failures_total{cron="mail"}': by_odoo([int(draw.random() < 0.01) for _ in minutes]),
        **{
            f'odoo_telemetry_threshold{{name="{name}", instance="i", database="x"}}': [value for _ in minutes]
            for name, value in (
                ("concurrent_users", 200),
                ("application_errors_per_minute", 5),
                ("n8n_errors_per_minute", 2),
            )
        },
        'odoo_telemetry_errors_total{reason="unauthorized"}': by_odoo([int(draw.random() < 0.01) for _ in minutes]),
        'n8n_workflow_execution_errors_total{workflow_name="w"}': _counter(events(2)),
        "n8n_workflow_execution_queue_length": [_poisson(draw, load) for load in busy],
        **{
            f'backup_job{name}_total{{backup="{backup}"}}': _counter(backups)
            for name in ("", "_success")
            for backup in ("platform", "n8n", "monitoring")
        },
        **{
            f'backup_last_success_timestamp_seconds{{backup="{backup}"}}': [
                max(0, (minute - BACKUP - 10) // DAY * DAY + BACKUP + 10) * 60 for minute in minutes
            ]
            for backup in ("platform", "n8n", "monitoring")
        },
        **{
            f'backup_schedule_seconds{{backup="{backup}"}}': [86400 for _ in minutes]
            for backup in ("platform", "n8n", "monitoring")
        },
        f'node_cpu_seconds_total{host}, cpu="0", mode="user"}}': _counter([0.6 * share for share in cpu]),
        f'node_cpu_seconds_total{host}, cpu="0", mode="idle"}}': _counter([60 - 0.6 * share for share in cpu]),
        f"node_memory_MemAvailable_bytes{host}}}": gauge(50, 32),
        f"node_memory_MemTotal_bytes{host}}}": [100 for _ in minutes],
        # a backup is written, and the one of a week ago deleted an hour later
        f'node_filesystem_avail_bytes{host}, fstype="ext4", mountpoint="/"}}': [
            380 - minute / 1000 - (20 if minute % DAY in range(BACKUP, BACKUP + 60) else 0) for minute in minutes
        ],
        f'node_filesystem_size_bytes{host}, fstype="ext4", mountpoint="/"}}': [1000 for _ in minutes],
        f'node_disk_io_time_seconds_total{host}, device="sda"}}': _counter(
            [6 * load + (40 if minute % DAY in range(BACKUP, BACKUP + 10) else 0) for minute, load in enumerate(busy)]
        ),
        f'node_network_receive_bytes_total{host}, device="eth0"}}': _counter([600 * load for load in busy]),
        f'node_network_speed_bytes{host}, device="eth0"}}': [100 for _ in minutes],
        **{
            f'{name}{{host="h", gpu="0", uuid="u"}}': numbers
            for name, numbers in (
                ("gpu_utilization_percent", gauge(5, 60)),
                ("gpu_memory_used_bytes", gauge(55, 65)),
                ("gpu_memory_total_bytes", [100 for _ in minutes]),
                ("gpu_temperature_celsius", gauge(40, 72)),
                ("gpu_xid_errors_total", [0 for _ in minutes]),
            )
        },
        'gpu_up{host="h"}': [1 for _ in minutes],
        'pg_up{db_instance="d"}': [1 for _ in minutes],
        f'pg_stat_activity_count{database}, backend_type="client backend"}}': gauge(40, 110),
        'pg_settings_max_connections{db_instance="d"}': [200 for _ in minutes],
        f'pg_stat_activity_max_tx_duration{database}, state="active", backend_type="client backend"}}': [
            60 * (minute % DAY - BACKUP) if minute % DAY in range(BACKUP, BACKUP + 10) else draw.uniform(0, 5)
            for minute in minutes
        ],
        f"pg_stat_database_deadlocks{database}}}": _counter([int(draw.random() < 0.002) for _ in minutes]),
        'pg_replication_lag_seconds{db_instance="e"}': gauge(0, 4),
        'postgresql_slow_queries_total{db_instance="d", database="odoo"}': _counter(events(20)),
        'postgresql_slow_queries_unreadable_lines_total{db_instance="d"}': [0 for _ in minutes],
        'postgresql_slow_queries_translated_lines_total{db_instance="d"}': [0 for _ in minutes],
        'postgresql_slow_queries_threshold_seconds{db_instance="d"}': [1 for _ in minutes],
        'pg_settings_log_min_duration_statement_seconds{db_instance="d"}': [1 for _ in minutes],
        'scrape_duration_seconds{job="influencegen-fast", instance="i"}': gauge(0.05, 0.3),
        'prometheus_rule_evaluation_failures_total{rule_group="g"}': [0 for _ in minutes],
        'prometheus_notifications_errors_total{alertmanager="a"}': [0 for _ in minutes],
        'prometheus_notifications_alertmanagers_discovered{instance="p"}': [1 for _ in minutes],
        'alertmanager_notifications_failed_total{integration="email"}': [0 for _ in minutes],
        'odoo_telemetry_labels_folded_total{label="route"}': [0 for _ in minutes],
        # samples of a rule evaluation are pending for at most 5 s of every 5 minutes, and a scrape may see them
        'prometheus_remote_storage_samples_pending{job="prometheus", instance="p", remote_name="5m"}': [
            250 if draw.random() < 5 / 300 else 0 for _ in minutes
        ],
    }
    return {
        name: " ".join(f"{number:.10g}" if number is not None else "_" for number in numbers)
        for name, numbers in values.items()
    }


def _ledger(minutes, facts, draw):
    """What is exported of the ledger: the audit of a fact takes an hour, and restarts when it has completed."""
    labels = 'instance="i", database="x"'
    series = {
        "database_read_age_seconds": [draw.uniform(0, 25) for _ in minutes],
        "ledger_backlog": [_poisson(draw, 2) for _ in minutes],
    }
    of_fact = {
        "audit_missing_rows": [0 for _ in minutes],
        "audit_extra_rows": [0 for _ in minutes],
        "audit_completed_timestamp_seconds": [minute // 60 * 3600 for minute in minutes],
    }
    return {
        **{f"odoo_telemetry_{name}{{{labels}}}": values for name, values in series.items()},
        **{
            f'odoo_telemetry_{name}{{{labels}, fact="{fact}"}}': values
            for fact in facts
            for name, values in of_fact.items()
        },
    }


def _busy(minute):
    """How busy a minute is, 1 on average over a working day: nights are quiet, and the weekend is a tenth quieter."""
    day = 1 + 0.4 * math.sin(2 * math.pi * (minute % DAY / DAY - 0.375))
    return day * (0.9 if minute // DAY % 7 >= 5 else 1)


def _just(minute):
    """Whether Odoo was deployed within the last 10 minutes."""
    return minute // DAY % 7 < 5 and 0 <= minute % DAY - DEPLOY < 10


def _poisson(draw, mean):
    limit, product, number = math.exp(-mean), draw.random(), 0
    while product > limit:
        product *= draw.random()
        number += 1
    return number


def _counter(numbers, deployed=frozenset()):
    """A counter of those numbers, which restarts, and is not seen, while its holder is away."""
    value, values = 0, []
    for minute, number in enumerate(numbers):
        value = 0 if minute in deployed else value + number
        values.append(None if minute in deployed else value)
    return values


def _latency(metric, numbers, some, shares, average, counter, labels=""):
    """A histogram of events of which so large shares are within its bounds."""
    within, steps, before = {}, [0 for _ in numbers], 0
    rest = numbers
    for bound, share in shares.items():
        taken = some(rest, (share - before) / (1 - before))
        steps = [one + other for one, other in zip(steps, taken, strict=True)]
        rest = [one - other for one, other in zip(rest, taken, strict=True)]
        within[bound], before = steps, share
    buckets = {f'{metric}_bucket{{{labels}le="{bound}"}}': counter(steps) for bound, steps in within.items()}
    inner = f"{{{labels.removesuffix(', ')}}}" if labels else ""
    return {
        **buckets,
        f'{metric}_bucket{{{labels}le="60.0"}}': counter(numbers),
        f'{metric}_bucket{{{labels}le="+Inf"}}': counter(numbers),
        f"{metric}_count{inner}": counter(numbers),
        f"{metric}_sum{inner}": counter([average * number for number in numbers]),
    }


def _calls(api, numbers, failing, shares, average, some, counter):
    """The latencies and failures of calls."""
    return {
        **_latency(f"api_{api}_latency_seconds", numbers, some, shares, average, counter, 'endpoint="e", '),
        f'api_{api}_errors_total{{endpoint="e"}}': counter(some(numbers, failing)),
    }
