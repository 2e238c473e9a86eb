"""The recording rules: every metric of the specification that is derived from series, over the periods that it "
"names."""

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue

from .promql import CLIENTS, both, by, interval, over_instances, percent, range_of, total
from .rules import Group, Recording
from .thresholds import number

LATENCY_WINDOWS = ("1m", "5m", "15m", "1h")
COUNTER_WINDOWS = ("1m", "5m", "1h", "1d")
"""The specification's "Aggregation Periods"."""

CPU_WINDOWS = ("1m", "5m", "15m")
"""The specification's "Statistical Aggregations"."""

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

KEPT = {
    "odoo_ui_page_load_time_seconds": (),
    "odoo_ui_interaction_latency_seconds": ("interaction_name",),
    "influencer_kyc_verification_automated_step_latency_seconds": ("verification_service", "step_name"),
}
"""The labels that average and quantiles of a latency keep; those of other latencies are over all calls."""

DROPPED = ("route", "user_role")
"""Labels of latencies with so many values that no rule keeps them: ask the series themselves."""

NODE_SCRAPED = 60
"""Seconds between two scrapes of the hosts, as prometheus.yml has it."""

_HOST = ("host", "service_name")
_FILESYSTEMS = '{fstype!~"tmpfs|ramfs|devtmpfs|squashfs|iso9660|erofs"}'
_LINKS = '{device!~"lo|veth.*|docker.*|br-.*"}'


def files(link_speed: float) -> dict[str, list[Group]]:
    """Return the groups of recording rules by name of their file.

    link_speed: bytes a second of a network link that does not tell its speed.
    """
    metrics = catalogue.METRICS
    return {
        "recording_api": [
            group
            for metric in metrics.values()
            if metric.name.startswith("api_") and metric.kind == "histogram"
            for group in (*_latency(metric), *_rates(metrics[metric.name.replace("latency_seconds", "errors_total")]))
        ],
        "recording_ai_images": [
            *_latency(metrics["ai_image_generation_end_to_end_latency_seconds"]),
            *_rates(metrics["ai_image_generation_requests_total"]),
            Group("ai-images", _ai_images(metrics)),
        ],
        "recording_business": [
            *_latency(metrics["influencer_kyc_verification_automated_step_latency_seconds"]),
            *(
                group
                for name in (
                    "influencer_registration_attempts_total",
                    "influencer_kyc_submissions_total",
                    "campaign_applications_total",
                    "campaign_content_submissions_total",
                    "payment_processing_attempts_total",
                )
                for group in _rates(metrics[name])
            ),
            Group("business", _business(metrics), "1m"),
        ],
        "recording_odoo": [
            *_latency(metrics["odoo_ui_page_load_time_seconds"]),
            *_latency(metrics["odoo_ui_interaction_latency_seconds"]),
            *_rates(metrics["odoo_application_errors_total"]),
            Group("odoo", _odoo(metrics)),
        ],
        "recording_n8n": [
            *_rates(metrics["n8n_workflow_execution_errors_total"]),
            Group(
                "n8n",
                [
                    Recording(
                        # In queue mode n8n itself tells, also while no worker is there to run the workflow that does
                        "influencegen:n8n_workflow_execution_queue_length:max",
                        "max(n8n_scaling_mode_queue_jobs_waiting) or max(n8n_workflow_execution_queue_length)",
                    )
                ],
            ),
        ],
        "recording_hosts": [*_host_rates(), Group("hosts", _hosts(link_speed), "1m")],
        "recording_postgresql": [
            Group("postgresql", _postgresql(), "1m"),
            *_windows(
                "postgresql-slow-queries",
                COUNTER_WINDOWS,
                lambda window: [
                    Recording(
                        f"telemetry:postgresql_query_slow_query_rate:rate_{window}",
                        f"sum by (db_instance, database) (rate(postgresql_slow_queries_total[{range_of(window, 60)}]))",
                    )
                ],
            ),
        ],
        "recording_gpu": [
            Group(
                "gpu",
                [
                    Recording(
                        "influencegen:gpu_memory_utilization:percent",
                        "100 * gpu_memory_used_bytes / (gpu_memory_total_bytes > 0)",
                    )
                ],
            )
        ],
        "recording_availability": [Group("availability", _availability(), "1m")],
        "recording_telemetry": [Group("telemetry", _telemetry(), "1m")],
    }


def _prefix(metric):
    """Return the prefix of the rules about a metric: of any Odoo, or of the platform."""
    return "telemetry" if metric in catalogue.RUNTIME else "influencegen"


def _windows(name, windows, rules):
    """Return a group for each window, with the rules that the function `rules` gives for it."""
    return [Group(f"{name}-{window}", rules(window), interval(window)) for window in windows]


def _latency(metric):
    """The rules of a histogram. Merged buckets are kept, so that a quantile over any labels and time follows from "
    "them."""
    kept = KEPT.get(metric.name, ())
    labels = tuple(label.name for label in metric.labels if label.name not in DROPPED)
    name = f"{_prefix(metric)}:{metric.name}"

    def rules(window):
        def part(function, suffix, *others):
            series = catalogue.Metric(metric.name + suffix, "counter", "", group=metric.group, rows=metric.rows)
            return total(function, series, window, (*others, *labels))

        # the increase of a minute is half of that of the two that it is taken from
        share = " / 2" if range_of(window, 60) == "2m" and metric.group != "fast" else ""
        average = f"sum{by(kept)}({name}:sum_{window}) / (sum{by(kept)}({name}:count_{window}) > 0)"
        buckets = f"sum{by(('le', *kept))}({name}_bucket:rate_{window})"
        return [
            Recording(f"{name}_bucket:rate_{window}", part("rate", "_bucket", "le")),
            Recording(f"{name}:rate_{window}", part("rate", "_count")),
            Recording(f"{name}:count_{window}", part("increase", "_count") + share),
            Recording(f"{name}:sum_{window}", part("increase", "_sum") + share),
            Recording(f"{name}:avg_{window}", average),
            *(
                Recording(f"{name}:{quantile}_{window}", f"histogram_quantile({share_of_calls}, {buckets}) >= 0")
                for quantile, share_of_calls in QUANTILES.items()
            ),
        ]

    return _windows(metric.name.replace("_", "-"), LATENCY_WINDOWS, rules)


def _rates(metric):
    """The rules of the rate that the specification asks for of a counter; the payment provider's are alike."""
    names = [
        requirement.rule.split(":")[1]
        for requirement in business.SPECIFICATION.values()
        if requirement.series == (metric.name,) and ":rate_" in requirement.rule
    ]
    name = names[0] if names else metric.name.replace("_errors_total", "_error_rate")
    labels = tuple(label.name for label in metric.labels)
    return _windows(
        name.replace("_", "-"),
        COUNTER_WINDOWS,
        lambda window: [Recording(f"{_prefix(metric)}:{name}:rate_{window}", total("rate", metric, window, labels))],
    )


def _ai_images(metrics):
    requests = metrics["ai_image_generation_requests_total"]
    success = metrics["ai_image_generation_success_total"]
    failures = metrics["ai_image_generation_failures_total"]
    rules = [Recording("influencegen:ai_image_generation_daily_volume:increase_1d", total("increase", requests, "1d"))]
    for window in ("5m", "1h"):
        succeeded = total("increase", success, window)
        ended = f"influencegen:ai_image_generation_ended:increase_{window}"
        rules += [
            Recording(ended, both(succeeded, total("increase", failures, window))),
            Recording(f"influencegen:ai_image_generation_success_rate:percent_{window}", percent(succeeded, ended)),
        ]
    return rules


def _business(metrics):
    attempts = metrics["influencer_registration_attempts_total"]
    success = metrics["influencer_registration_success_total"]
    verifications = metrics["influencer_kyc_verifications_total"]
    paid = total("increase", metrics["payment_processing_success_total"], "1h")
    failed = total("increase", metrics["payment_processing_failures_total"], "1h")
    kyc_type = ("verification_type",)
    approved = '{outcome="approved"}'
    review = "influencer_onboarding_kyc_manual_review_time_seconds"
    reviewed, reviews = (f"sum({over_instances(f'rate({review}_{part}[1d])')})" for part in ("sum", "count"))
    return [
        *(
            Recording(
                f"influencegen:influencer_registration_success_rate:percent_{window}",
                percent(total("rate", success, window), total("rate", attempts, window)),
            )
            for window in ("5m", "1h")
        ),
        *(
            Recording(f"influencegen:influencer_onboarding_registrations_per_hour:{name}", expr)
            for name, expr in (
                ("increase_1h", total("increase", attempts, "1h")),
                ("avg_1d", f"{total('increase', attempts, '1d')} / 24"),
            )
        ),
        # Each instance reads the same database
        Recording("influencegen:influencer_active_count_total:max", "sum(max by (database) (influencer_active))"),
        Recording(
            "influencegen:influencer_kyc_verification_success_rate:percent_1h",
            percent(
                total("rate", verifications, "1h", kyc_type, approved), total("rate", verifications, "1h", kyc_type)
            ),
        ),
        Recording("influencegen:influencer_kyc_verifications:increase_1d", total("increase", verifications, "1d")),
        Recording(
            "influencegen:influencer_onboarding_kyc_approval_rate:percent_1d",
            percent(
                total("increase", verifications, "1d", (), approved),
                "influencegen:influencer_kyc_verifications:increase_1d",
            ),
        ),
        Recording(
            "influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d",
            f"{reviewed} / ({reviews} > 0) / 3600",
        ),
        Recording("influencegen:payment_processing_ended:increase_1h", both(paid, failed)),
        Recording(
            "influencegen:payment_processing_success_rate:percent_1h",
            percent(paid, "influencegen:payment_processing_ended:increase_1h"),
        ),
        # Rounded to whole jobs: increase() extrapolates, and 99.9 % would be a failure that never was
        Recording(
            "influencegen:system_backup_job_success_rate:percent_24h",
            "100 * (round(sum(increase(backup_job_success_total[24h]))) or vector(0)) "
            "/ (round(sum(increase(backup_job_total[24h]))) > 0)",
        ),
    ]


def _odoo(metrics):
    hits = total("increase", metrics["odoo_orm_cache_hits_total"], "5m")
    misses = total("increase", metrics["odoo_orm_cache_misses_total"], "5m")
    lookups = "telemetry:odoo_orm_cache_lookups:increase_5m"
    return [
        Recording(lookups, both(hits, misses)),
        Recording("telemetry:odoo_orm_cache_hit_ratio:percent_5m", percent(hits, lookups)),
    ]


def _hosts(link_speed):
    """The rules of hosts that are about now."""
    where = (*_HOST, "device")
    speed = (
        f"(max{by(where)}(node_network_speed_bytes > 0) "
        f"or max{by(where)}(node_network_receive_bytes_total{_LINKS}) * 0 + {number(link_speed)})"
    )
    rules = [
        Recording(
            "telemetry:system_memory_utilization:percent",
            f"max{by(_HOST)}(100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes))",
        ),
        Recording(
            "telemetry:system_disk_space_used:percent",
            f"max{by((*_HOST, 'mount_point'))}(label_replace(100 * (1 - "
            f"node_filesystem_avail_bytes{_FILESYSTEMS} "
            f'/ (node_filesystem_size_bytes > 0)), "mount_point", "$1", "mountpoint", "(.+)"))',
        ),
        Recording(
            "telemetry:system_disk_io_time:percent_5m",
            f"100 * max{by(where)}(rate(node_disk_io_time_seconds_total[5m]))",
        ),
        Recording(
            "telemetry:system_network_utilization:percent_5m",
            f"100 * max without (direction) (telemetry:system_network_io_bytes:rate_5m) / {speed}",
        ),
        Recording(
            "telemetry:service_memory_utilization:percent",
            f'100 * sum{by(_HOST)}(namedprocess_namegroup_memory_bytes{{memtype="resident"}}) '
            "/ on (host) group_left () max by (host) (node_memory_MemTotal_bytes)",
        ),
    ]
    for window in CPU_WINDOWS:
        reach = range_of(window, NODE_SCRAPED)
        averages = {
            # idle, or waiting for a disk
            "system": f'100 * (1 - sum{by(_HOST)}(rate(node_cpu_seconds_total{{mode=~"idle|iowait"}}[{reach}])) '
            f"/ sum{by(_HOST)}(rate(node_cpu_seconds_total[{reach}])))",
            "service": f"100 * sum{by(_HOST)}(rate(namedprocess_namegroup_cpu_seconds_total[{reach}])) "
            '/ on (host) group_left () count by (host) (node_cpu_seconds_total{mode="idle"})',
        }
        for level, average in averages.items():
            name = f"telemetry:{level}_cpu_utilization"
            rules += [
                Recording(f"{name}:avg_{window}", average),
                Recording(f"{name}:max_{window}", f"max_over_time({name}:avg_1m[{window}])"),
            ]
    return rules


def _host_rates():
    def rules(window):
        reach = range_of(window, NODE_SCRAPED)
        operations = " + ".join(
            f"sum{by((*_HOST, 'device'))}(rate(node_disk_{way}_completed_total[{reach}]))"
            for way in ("reads", "writes")
        )
        traffic = " or ".join(
            f"label_replace(sum{by((*_HOST, 'device'))}(rate(node_network_{way}_bytes_total{_LINKS}[{reach}])), "
            f'"direction", "{direction}", "", "")'
            for way, direction in (("receive", "in"), ("transmit", "out"))
        )
        return [
            Recording(f"telemetry:system_disk_io_ops:rate_{window}", operations),
            Recording(f"telemetry:system_network_io_bytes:rate_{window}", traffic),
        ]

    return _windows("host-rates", COUNTER_WINDOWS, rules)


def _postgresql():
    connections = "telemetry:postgresql_connections_active_count:sum"
    return [
        Recording(connections, f"sum by (db_instance) (pg_stat_activity_count{{{CLIENTS}}})"),
        Recording(
            "telemetry:postgresql_connections_utilization:percent",
            f"100 * {connections} / on (db_instance) max by (db_instance) (pg_settings_max_connections)",
        ),
    ]


def _availability():
    """The specification's formula: the share of the probes of critical services that found no outage.

    Minutes do not overlap, and each has the same number of probes, so a longer period is the average of its minutes.
    """
    minute = "telemetry:system_availability:percent_1m"
    critical = 'probe_success{critical="true"}[1m]'
    return [
        Recording(minute, f"100 * sum(sum_over_time({critical})) / sum(count_over_time({critical}))"),
        *(
            Recording(f"telemetry:system_availability:percent_{window}", f"avg_over_time({minute}[{window}])")
            for window in ("1h", "1d", "30d")
        ),
    ]


def _telemetry():
    """How many facts were carried over in the last hour.

    A fact's series begins with its first carry-over, which increase() leaves out. The backlog is exported beside it,
    and is the evidence that there was none before. A day is how long the database may have been away to be restored.
    """
    carried_over = "odoo_telemetry_facts_carried_over_total"
    backlog = "odoo_telemetry_ledger_backlog"
    before = "last_over_time({}[1d] offset 1h)"
    return [
        Recording(
            "telemetry:facts_carried_over:increase_1h",
            f"sum by (database) ({over_instances(carried_over)}) - "
            f"(sum by (database) ({over_instances(before.format(carried_over))}) or "
            f"0 * max by (database) ({before.format(backlog)}))",
        )
    ]
