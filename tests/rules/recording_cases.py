"""What the recording rules give for series whose rates, averages and quantiles are known beforehand.

Where there are two instances, the second restarts within the last minute, so that each window holds a counter reset.
"""

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400
LATENCY_WINDOWS = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": HOUR}
COUNTER_WINDOWS = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR, "1d": DAY}


@dataclass(frozen=True)
class Case:
    """What the rules of `files` give, after `hours`, for `series`: values by name, one every `every` seconds.

    expected: values by name of the rule and its labels, without its prefix, to three decimals.
    evaluated: time between evaluations.
    """

    name: str
    files: tuple
    series: dict
    expected: dict
    every: int = 60
    hours: int = 25
    evaluated: str = "1h"

    def __str__(self):
        return self.name


def grows(step, every=60, hours=25):
    """The values of a counter that grows by `step` every `every` seconds."""
    return f"0+{step}x{hours * HOUR // every}"


def restarts(step, every=60, hours=25):
    """The values of such a counter that restarts at 0 just before its last value but one."""
    return f"0+{step}x{hours * HOUR // every - 2} {step}+{step}x1"


def stays(value, every=60, hours=25):
    """The values of a series that does not change."""
    return f"{value}x{hours * HOUR // every}"


def _latency(metric, labels, buckets, total, values=grows, **more):
    """The series of a histogram whose `buckets` grow by so many events, of `total` seconds together, each interval."""
    inner = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    steps = {f'{metric}_bucket{{{inner}, le="{bound}"}}': step for bound, step in buckets.items()}
    steps |= {f"{metric}_count{{{inner}}}": max(buckets.values()), f"{metric}_sum{{{inner}}}": total}
    return {name: values(step, **more) for name, step in steps.items()}


def _api(name):
    """Every 10 s, each of two instances makes 10 calls: 5 within 0.1 s, 4 within 0.5 s, 1, which fails, within 1 s."""
    metric = f"api_{name}_latency_seconds"
    call = {"endpoint": "e", "http_method": "POST"}
    classes = {
        "2xx": ({"0.1": 5, "0.5": 9, "1.0": 9, "+Inf": 9}, 2),
        "5xx": ({"0.1": 0, "0.5": 0, "1.0": 1, "+Inf": 1}, 1),
    }
    series = {}
    for instance, values in (("a", grows), ("b", restarts)):
        for status, (buckets, total) in classes.items():
            labels = {"instance": instance, **call, "status_code_class": status}
            series |= _latency(metric, labels, buckets, total, values, every=10)
        series[
            f'api_{name}_errors_total{{instance="{instance}", endpoint="e", http_method="POST", '
            f'status_code_class="5xx"}}'
        ] = values(1, every=10)
    fine = 'endpoint="e", http_method="POST", status_code_class="2xx"'
    failed = 'endpoint="e", http_method="POST", status_code_class="5xx"'
    expected = {f"api_{name}_error_rate:rate_{window}{{{failed}}}": 0.2 for window in COUNTER_WINDOWS}
    idle = dict.fromkeys(expected, 0)
    for window, seconds in LATENCY_WINDOWS.items():
        counted = {
            f"{metric}:rate_{window}{{{fine}}}": 1.8,
            f"{metric}:rate_{window}{{{failed}}}": 0.2,
            f"{metric}:count_{window}{{{fine}}}": 1.8 * seconds,
            f"{metric}:count_{window}{{{failed}}}": 0.2 * seconds,
            f"{metric}:sum_{window}{{{fine}}}": 0.4 * seconds,
            f"{metric}:sum_{window}{{{failed}}}": 0.2 * seconds,
            **{
                f'{metric}_bucket:rate_{window}{{{fine}, le="{bound}"}}': rate
                for bound, rate in (("0.1", 1), ("0.5", 1.8), ("1.0", 1.8), ("+Inf", 1.8))
            },
            **{
                f'{metric}_bucket:rate_{window}{{{failed}, le="{bound}"}}': rate
                for bound, rate in (("0.1", 0), ("0.5", 0), ("1.0", 0.2), ("+Inf", 0.2))
            },
        }
        idle |= dict.fromkeys(counted, 0)
        expected |= counted | {
            f"{metric}:avg_{window}": 0.3,
            f"{metric}:p50_{window}": 0.1,
            f"{metric}:p90_{window}": 0.5,
            f"{metric}:p95_{window}": 0.75,
            f"{metric}:p99_{window}": 0.95,
        }
    return [
        Case(f"{name}: calls", ("influencegen_recording_api",), series, expected, every=10),
        Case(
            f"{name}: no calls",
            ("influencegen_recording_api",),
            dict.fromkeys(series, stays(7, every=10)),
            idle,
            every=10,
        ),
    ]


APIS = ("odoo_to_n8n_webhook", "n8n_to_aiservice", "n8n_to_odoo_callback", "external_kyc_service", "payment_provider")


def _expect_latency(metric, labels, counted, totals, quantiles):
    """What a histogram's rules give in each window: `counted` buckets and `totals` (count, sum) a second."""
    expected = {}
    inner = f"{{{labels}}}" if labels else ""
    for window, seconds in LATENCY_WINDOWS.items():
        expected |= {
            **{
                f'{metric}_bucket:rate_{window}{{{labels + ", " if labels else ""}le="{bound}"}}': rate
                for bound, rate in counted.items()
            },
            f"{metric}:rate_{window}{inner}": totals[0],
            f"{metric}:count_{window}{inner}": totals[0] * seconds,
            f"{metric}:sum_{window}{inner}": totals[1] * seconds,
            **{f"{metric}:{operation}_{window}{inner}": value for operation, value in quantiles.items()},
        }
    return expected


def _of(metric, labels=""):
    """A function that gives the name of an instance's series."""
    return lambda instance: f'{metric}{{instance="{instance}"{", " if labels else ""}{labels}}}'


def _known_to_both(metric, step, labels="", every=60):
    """The series of facts: each of two instances knows all of them."""
    name = _of(metric, labels)
    return {name("a"): grows(step, every), name("b"): restarts(step, every)}


AI = "ai_image_generation_end_to_end_latency_seconds"
AI_IMAGES = Case(
    # In every 10 s: 10 requests, which end in 8 images, a failure and a time-out; 50 images take up to 5 s, 40 up to
    # 10 s, 10 up to 30 s
    "images are made",
    ("influencegen_recording_ai_images",),
    {
        **_known_to_both("ai_image_generation_requests_total", 10, every=10),
        **_known_to_both("ai_image_generation_success_total", 8, every=10),
        **_known_to_both("ai_image_generation_failures_total", 1, 'reason="failed"', every=10),
        'ai_image_generation_failures_total{instance="b", reason="timed_out"}': restarts(1, every=10),
        **_latency(AI, {"instance": "a"}, {"5.0": 50, "10.0": 90, "30.0": 100, "+Inf": 100}, 700, every=10),
        **_latency(AI, {"instance": "b"}, {"5.0": 50, "10.0": 90, "30.0": 100, "+Inf": 100}, 700, restarts, every=10),
    },
    {
        **{f"ai_image_generation_request_rate:rate_{window}": 1 for window in COUNTER_WINDOWS},
        "ai_image_generation_daily_volume:increase_1d": 86400,
        "ai_image_generation_ended:increase_5m": 300,
        "ai_image_generation_ended:increase_1h": 3600,
        "ai_image_generation_success_rate:percent_5m": 80,
        "ai_image_generation_success_rate:percent_1h": 80,
        **_expect_latency(
            AI,
            "",
            {"5.0": 5, "10.0": 9, "30.0": 10, "+Inf": 10},
            (10, 70),
            {"avg": 7, "p50": 5, "p90": 10, "p95": 20, "p99": 28},
        ),
    },
    every=10,
)
NO_AI_IMAGES = Case(
    "nobody asks for an image",
    ("influencegen_recording_ai_images",),
    dict.fromkeys(AI_IMAGES.series, stays(9, every=10)),
    {
        **{f"ai_image_generation_request_rate:rate_{window}": 0 for window in COUNTER_WINDOWS},
        "ai_image_generation_daily_volume:increase_1d": 0,
        "ai_image_generation_ended:increase_5m": 0,
        "ai_image_generation_ended:increase_1h": 0,
        **_expect_latency(AI, "", {"5.0": 0, "10.0": 0, "30.0": 0, "+Inf": 0}, (0, 0), {}),
    },
    every=10,
)
FAILED_IMAGES = Case(
    "the first images fail, so that nothing counts successes",
    ("influencegen_recording_ai_images",),
    {'ai_image_generation_failures_total{reason="failed"}': grows(1)},
    {
        "ai_image_generation_ended:increase_5m": 5,
        "ai_image_generation_ended:increase_1h": 60,
        "ai_image_generation_success_rate:percent_5m": 0,
        "ai_image_generation_success_rate:percent_1h": 0,
    },
    hours=2,
    evaluated="10m",
)
GOOD_IMAGES = Case(
    "no image ever failed, so that nothing counts failures",
    ("influencegen_recording_ai_images",),
    {"ai_image_generation_success_total": grows(1)},
    {
        "ai_image_generation_ended:increase_5m": 5,
        "ai_image_generation_ended:increase_1h": 60,
        "ai_image_generation_success_rate:percent_5m": 100,
        "ai_image_generation_success_rate:percent_1h": 100,
    },
    hours=2,
    evaluated="10m",
)

KYC = "influencer_kyc_verification_automated_step_latency_seconds"
STEP = 'verification_service="kyc", step_name="document"'
BUSINESS = Case(
    # both instances know all facts, and each its own attempts
    "business goes on",
    ("influencegen_recording_business",),
    {
        'influencer_registration_attempts_total{instance="a"}': grows(10),
        'influencer_registration_attempts_total{instance="b"}': restarts(10),
        **_known_to_both("influencer_registration_success_total", 17),
        'influencer_active{instance="a"}': stays(40),
        'influencer_active{instance="b"}': stays(41),
        **_known_to_both("influencer_kyc_submissions_total", 6),
        'influencer_kyc_verifications_total{instance="a", verification_type="automated", outcome="approved"}': grows(9),
        'influencer_kyc_verifications_total{instance="a", verification_type="automated", outcome="rejected"}': grows(1),
        'influencer_kyc_verifications_total{instance="b", verification_type="manual", outcome="approved"}': restarts(5),
        'influencer_kyc_verifications_total{instance="b", verification_type="manual", outcome="rejected"}': restarts(5),
        **_latency(
            KYC,
            {"instance": "a", "verification_service": "kyc", "step_name": "document"},
            {"0.1": 9, "0.5": 10, "+Inf": 10},
            2,
        ),
        # the second instance was started half a day ago
        'influencer_onboarding_kyc_manual_review_time_seconds_sum{instance="a"}': grows(7200),
        'influencer_onboarding_kyc_manual_review_time_seconds_count{instance="a"}': grows(4),
        'influencer_onboarding_kyc_manual_review_time_seconds_sum{instance="b"}': "_x780 0+3600x720",
        'influencer_onboarding_kyc_manual_review_time_seconds_count{instance="b"}': "_x780 0+4x720",
        **_known_to_both("campaign_applications_total", 6, 'campaign_id="1"'),
        'campaign_applications_total{instance="b", campaign_id="2"}': stays(5),
        **_known_to_both("campaign_content_submissions_total", 6, 'campaign_id="1"'),
        **_known_to_both("payment_processing_attempts_total", 6),
        'payment_processing_success_total{instance="a"}': grows(3),
        'payment_processing_failures_total{instance="b"}': restarts(1),
        "backup_job_total": grows(1),
        "backup_job_success_total": grows(1),
    },
    {
        **{f"influencer_registration_attempts_rate:rate_{window}": 0.333 for window in COUNTER_WINDOWS},
        "influencer_registration_success_rate:percent_5m": 85,
        "influencer_registration_success_rate:percent_1h": 85,
        "influencer_onboarding_registrations_per_hour:increase_1h": 1200,
        "influencer_onboarding_registrations_per_hour:avg_1d": 1200,
        "influencer_active_count_total:max": 41,
        **{f"influencer_kyc_submission_rate:rate_{window}": 0.1 for window in COUNTER_WINDOWS},
        **_expect_latency(
            KYC,
            STEP,
            {"0.1": 0.15, "0.5": 0.167, "+Inf": 0.167},
            (1 / 6, 1 / 30),
            {"avg": 0.2, "p50": 0.056, "p90": 0.1, "p95": 0.3, "p99": 0.46},
        ),
        'influencer_kyc_verification_success_rate:percent_1h{verification_type="automated"}': 90,
        'influencer_kyc_verification_success_rate:percent_1h{verification_type="manual"}': 50,
        "influencer_kyc_verifications:increase_1d": 28800,
        "influencer_onboarding_kyc_approval_rate:percent_1d": 70,
        "influencer_onboarding_kyc_manual_review_time:avg_hours_1d": 0.5,
        **{f'campaign_application_rate:rate_{window}{{campaign_id="1"}}': 0.1 for window in COUNTER_WINDOWS},
        **{f'campaign_application_rate:rate_{window}{{campaign_id="2"}}': 0 for window in COUNTER_WINDOWS},
        **{f'campaign_content_submission_rate:rate_{window}{{campaign_id="1"}}': 0.1 for window in COUNTER_WINDOWS},
        **{f"payment_processing_attempts_rate:rate_{window}": 0.1 for window in COUNTER_WINDOWS},
        "payment_processing_ended:increase_1h": 240,
        "payment_processing_success_rate:percent_1h": 75,
        "system_backup_job_success_rate:percent_24h": 100,
    },
)
NO_BUSINESS = Case(
    "nothing happens",
    ("influencegen_recording_business",),
    {name: stays(9) for name in BUSINESS.series if not name.startswith("influencer_active")},
    {
        name: 0
        for name in BUSINESS.expected
        if ":percent" not in name
        and ":max" not in name
        and ":avg_hours" not in name
        and not any(f"{KYC}:{operation}_" in name for operation in ("avg", "p50", "p90", "p95", "p99"))
    }
    | {f'campaign_application_rate:rate_{window}{{campaign_id="2"}}': 0 for window in COUNTER_WINDOWS},
)
NO_SUCCESS = Case(
    "nothing succeeds, some of it for the first time",
    ("influencegen_recording_business",),
    {
        "influencer_registration_attempts_total": grows(1),
        'influencer_kyc_verifications_total{verification_type="manual", outcome="rejected"}': grows(1),
        "payment_processing_failures_total": grows(1),
        "backup_job_total": grows(1),
    },
    {
        **{f"influencer_registration_attempts_rate:rate_{window}": 0.017 for window in COUNTER_WINDOWS},
        "influencer_registration_success_rate:percent_5m": 0,
        "influencer_registration_success_rate:percent_1h": 0,
        "influencer_onboarding_registrations_per_hour:increase_1h": 60,
        "influencer_onboarding_registrations_per_hour:avg_1d": 60,
        'influencer_kyc_verification_success_rate:percent_1h{verification_type="manual"}': 0,
        "influencer_kyc_verifications:increase_1d": 1440,
        "influencer_onboarding_kyc_approval_rate:percent_1d": 0,
        "payment_processing_ended:increase_1h": 60,
        "payment_processing_success_rate:percent_1h": 0,
        "system_backup_job_success_rate:percent_24h": 0,
    },
)
DATABASES = Case(
    "each database has its own influencers and reviews",
    ("influencegen_recording_business",),
    {
        # 30 minutes each, and 90
        **{
            f'influencer_onboarding_kyc_manual_review_time_seconds_{part}{{instance="{instance}", database="{database}"}}': grows(  # noqa: E501
                step, hours=1
            )
            for database, total, number in (("x", 7200, 4), ("y", 21600, 4))
            for instance in "ab"
            for part, step in (("sum", total), ("count", number))
        },
        'influencer_active{instance="a", database="x"}': stays(40, hours=1),
        'influencer_active{instance="b", database="x"}': stays(41, hours=1),
        'influencer_active{instance="a", database="y"}': stays(5, hours=1),
    },
    {"influencer_active_count_total:max": 46, "influencer_onboarding_kyc_manual_review_time:avg_hours_1d": 1},
    hours=1,
)
BACKUPS = Case(
    # two jobs every 6 hours, 8 in 24 hours, of which one failed
    "one backup of eight failed",
    ("influencegen_recording_business",),
    {
        'backup_job_total{backup="platform"}': "0x59 1x359 2x359 3x359 4x359",
        'backup_job_total{backup="n8n"}': "0x59 1x359 2x359 3x359 4x359",
        'backup_job_success_total{backup="platform"}': "0x59 1x359 2x359 3x359 4x359",
        'backup_job_success_total{backup="n8n"}': "0x59 1x359 1x359 2x359 3x359",
    },
    {"system_backup_job_success_rate:percent_24h": 87.5},
    hours=24,
)

PAGES = "odoo_ui_page_load_time_seconds"
INTERACTIONS = "odoo_ui_interaction_latency_seconds"
ERROR = 'error_class="ValidationError", module_name="web"'
ODOO = Case(
    "Odoo works",
    ("odoo_recording_odoo",),
    {
        'odoo_orm_cache_hits_total{instance="a"}': grows(120),
        'odoo_orm_cache_hits_total{instance="b"}': restarts(60),
        'odoo_orm_cache_misses_total{instance="a"}': grows(20),
        f'odoo_application_errors_total{{instance="a", error_type="orm_error", {ERROR}}}': grows(6),
        f'odoo_application_errors_total{{instance="b", error_type="orm_error", {ERROR}}}': restarts(6),
        f'odoo_application_errors_total{{instance="a", error_type="controller_error", {ERROR}}}': grows(12),
        **_latency(
            PAGES,
            {"instance": "a", "route": "/a", "user_role": "user"},
            {"0.5": 5, "1.0": 10, "2.0": 10, "+Inf": 10},
            5,
        ),
        **_latency(
            PAGES,
            {"instance": "b", "route": "/b", "user_role": "admin"},
            {"0.5": 5, "1.0": 6, "2.0": 10, "+Inf": 10},
            10,
            restarts,
        ),
        **_latency(
            INTERACTIONS,
            {"instance": "a", "interaction_name": "save", "user_role": "user"},
            {"0.1": 5, "0.2": 10, "+Inf": 10},
            1,
        ),
    },
    {
        'odoo_orm_cache_lookups:increase_5m{instance="a"}': 700,
        'odoo_orm_cache_lookups:increase_5m{instance="b"}': 300,
        'odoo_orm_cache_hit_ratio:percent_5m{instance="a"}': 100 * 600 / 700,
        'odoo_orm_cache_hit_ratio:percent_5m{instance="b"}': 100,
        **{
            f'odoo_application_error_rate:rate_{window}{{instance="{instance}", error_type="{kind}", {ERROR}}}': rate
            for window in COUNTER_WINDOWS
            for instance, kind, rate in (
                ("a", "orm_error", 0.1),
                ("b", "orm_error", 0.1),
                ("a", "controller_error", 0.2),
            )
        },
        **_expect_latency(
            PAGES,
            "",
            {"0.5": 0.167, "1.0": 0.267, "2.0": 0.333, "+Inf": 0.333},
            (1 / 3, 0.25),
            {"avg": 0.75, "p50": 0.5, "p90": 1.5, "p95": 1.75, "p99": 1.95},
        ),
        **_expect_latency(
            INTERACTIONS,
            'interaction_name="save"',
            {"0.1": 0.083, "0.2": 0.167, "+Inf": 0.167},
            (1 / 6, 1 / 60),
            {"avg": 0.1, "p50": 0.1, "p90": 0.18, "p95": 0.19, "p99": 0.198},
        ),
    },
)
NO_ODOO = Case(
    "nobody uses Odoo",
    ("odoo_recording_odoo",),
    dict.fromkeys(ODOO.series, stays(9)),
    {
        name: 0
        for name in ODOO.expected
        if not any(f":{operation}_" in name for operation in ("percent", "avg", "p50", "p90", "p95", "p99"))
    },
)

REQUESTS, CALLS = "odoo_http_request_duration_seconds", "odoo_rpc_duration_seconds"
_WHOSE = {"a x": {"instance": "a", "database": "x"}, "b y": {"instance": "b", "database": "y"}}


def _of_each(series, **values):
    """What the rules give of each database: values by name, of the database x of server a and of y of b."""
    return {
        f'{series}_of_database:rate_5m{{instance="{instance}", database="{database}", le="{bound}"}}': value
        for place, buckets in values.items()
        for instance, database in [place.split("_")]
        for bound, value in buckets.items()
    }


FLEET = Case(
    # every minute, server a answers 6 requests for x within 1 s, and b 12 for y, 6 of which take longer
    "two databases on two servers",
    ("odoo_recording_fleet",),
    {
        **{
            name: values
            for whose, slow, restart in (("a x", 0, grows), ("b y", 6, restarts))
            for metric, labels in (
                (REQUESTS, {"route": "/web", "method": "GET", "status_code_class": "2xx"}),
                (CALLS, {"model": "res.partner", "method": "read"}),
                (PAGES, {"route": "/web", "user_role": "user"}),
                (INTERACTIONS, {"interaction_name": "save", "user_role": "user"}),
            )
            for name, values in _latency(
                metric, {**_WHOSE[whose], **labels}, {"1.0": 6, "+Inf": 6 + slow}, 6 + 3 * slow, restart
            ).items()
        },
        # jobs that queue_job's runner starts by requests, for which nobody waits
        **_latency(
            REQUESTS,
            {**_WHOSE["a x"], "route": "/queue_job/runjob", "method": "GET", "status_code_class": "2xx"},
            {"1.0": 0, "+Inf": 60},
            600,
        ),
        'odoo_rpc_calls_total{instance="a", database="x", model="m", method="f", outcome="error"}': grows(6),
        'odoo_rpc_calls_total{instance="b", database="y", model="m", method="g", outcome="error"}': restarts(12),
        'odoo_rpc_calls_total{instance="b", database="y", model="m", method="g", outcome="ok"}': grows(60),
        **{
            f'{metric}{{instance="{instance}", database="{instance}", {labels}}}': values(step)
            for metric, labels, step in (
                ("odoo_cron_duration_seconds_sum", 'cron="c"', 60),
                ("odoo_cron_duration_seconds_count", 'cron="c"', 6),
                ("odoo_cron_runs_total", 'cron="c"', 6),
                ("odoo_queue_job_duration_seconds_sum", 'job_function="f"', 60),
                ("odoo_queue_job_duration_seconds_count", 'job_function="f"', 6),
                ("odoo_queue_job_runs_total", 'job_function="f", outcome="done"', 6),
            )
            for instance, values in (("a", grows), ("b", restarts))
        },
    },
    {
        **{
            name: value
            for series in (REQUESTS, CALLS, PAGES, INTERACTIONS)
            for name, value in _of_each(
                f"{series}_bucket", a_x={"1.0": 0.1, "+Inf": 0.1}, b_y={"1.0": 0.1, "+Inf": 0.2}
            ).items()
        },
        **{
            f'{series}_bucket_of_all:rate_5m{{{labels}, le="{bound}"}}': value
            for series, labels in ((REQUESTS, 'route="/web"'), (CALLS, 'model="res.partner", method="read"'))
            for bound, value in (("1.0", 0.2), ("+Inf", 0.3))
        },
        f'{REQUESTS}_bucket_of_all:rate_5m{{route="/queue_job/runjob", le="1.0"}}': 0,
        f'{REQUESTS}_bucket_of_all:rate_5m{{route="/queue_job/runjob", le="+Inf"}}': 1,
        f'{CALLS}_sum_of_all:rate_5m{{model="res.partner", method="read"}}': 0.5,
        'odoo_rpc_calls_of_all:rate_5m{model="m", outcome="error"}': 0.3,
        'odoo_rpc_calls_of_all:rate_5m{model="m", outcome="ok"}': 1,
        'odoo_cron_duration_seconds_sum_of_all:rate_5m{cron="c"}': 2,
        'odoo_cron_duration_seconds_count_of_all:rate_5m{cron="c"}': 0.2,
        "odoo_cron_runs_of_all:rate_5m": 0.2,
        'odoo_queue_job_duration_seconds_sum_of_all:rate_5m{job_function="f"}': 2,
        'odoo_queue_job_duration_seconds_count_of_all:rate_5m{job_function="f"}': 0.2,
        'odoo_queue_job_runs_of_all:rate_5m{job_function="f", outcome="done"}': 0.2,
    },
)
NO_FLEET = Case(
    "two databases that nobody uses",
    ("odoo_recording_fleet",),
    dict.fromkeys(FLEET.series, stays(9)),
    dict.fromkeys(FLEET.expected, 0),
)

N8N = Case(
    "n8n is one process",
    ("influencegen_recording_n8n",),
    {
        'n8n_workflow_execution_errors_total{workflow_name="w", node_name="n", error_type="node_execution_error"}': restarts(  # noqa: E501
            1, every=10
        ),
        "n8n_workflow_execution_queue_length": stays(4, every=10),
    },
    {
        **{
            f'n8n_workflow_execution_error_rate:rate_{window}{{workflow_name="w", node_name="n", '
            'error_type="node_execution_error"}': 0.1
            for window in COUNTER_WINDOWS
        },
        "n8n_workflow_execution_queue_length:max": 4,
    },
    every=10,
)
QUEUE_MODE = Case(
    "n8n is in queue mode, and no worker is left to export what the workflows know",
    ("influencegen_recording_n8n",),
    {
        "n8n_scaling_mode_queue_jobs_waiting": stays(7, hours=1),
        "n8n_workflow_execution_queue_length": "0x30 _x30",
    },
    {"n8n_workflow_execution_queue_length:max": 7},
    hours=1,
)

HOST = 'host="h", service_name="odoo"'
DISK = f'{HOST}, device="sda"'
LINK = f'{HOST}, device="eth0"'
HOSTS = Case(
    # Two CPUs: of 60 s one works 45 and waits for the disk 15, the other is idle for 30 s and works for 30
    "a host works",
    ("odoo_recording_hosts",),
    {
        f'node_cpu_seconds_total{{{HOST}, cpu="0", mode="user"}}': grows(45),
        f'node_cpu_seconds_total{{{HOST}, cpu="0", mode="idle"}}': grows(0),
        f'node_cpu_seconds_total{{{HOST}, cpu="0", mode="iowait"}}': grows(15),
        f'node_cpu_seconds_total{{{HOST}, cpu="1", mode="system"}}': restarts(30),
        f'node_cpu_seconds_total{{{HOST}, cpu="1", mode="idle"}}': restarts(30),
        f"node_memory_MemAvailable_bytes{{{HOST}}}": stays(200),
        f"node_memory_MemTotal_bytes{{{HOST}}}": stays(1000),
        f'node_filesystem_avail_bytes{{{HOST}, device="sda", fstype="ext4", mountpoint="/"}}': stays(10),
        f'node_filesystem_size_bytes{{{HOST}, device="sda", fstype="ext4", mountpoint="/"}}': stays(100),
        f'node_filesystem_avail_bytes{{{HOST}, device="none", fstype="tmpfs", mountpoint="/run"}}': stays(0),
        f'node_filesystem_size_bytes{{{HOST}, device="none", fstype="tmpfs", mountpoint="/run"}}': stays(100),
        f"node_disk_reads_completed_total{{{DISK}}}": grows(60),
        f"node_disk_writes_completed_total{{{DISK}}}": restarts(120),
        f"node_disk_io_time_seconds_total{{{DISK}}}": restarts(15),
        f"node_network_receive_bytes_total{{{LINK}}}": grows(6000),
        f"node_network_transmit_bytes_total{{{LINK}}}": restarts(12000),
        f"node_network_speed_bytes{{{LINK}}}": stays(1000),
        f'node_network_receive_bytes_total{{{HOST}, device="lo"}}': grows(6000),
        # a link that does not report its speed: taken for 1 Gbit/s
        f'node_network_receive_bytes_total{{{HOST}, device="tun0"}}': grows(75000000),
        f'node_network_transmit_bytes_total{{{HOST}, device="tun0"}}': grows(0),
        f'node_network_speed_bytes{{{HOST}, device="tun0"}}': stays(-125000),
        'namedprocess_namegroup_cpu_seconds_total{host="h", service_name="n8n", mode="user"}': grows(20),
        'namedprocess_namegroup_cpu_seconds_total{host="h", service_name="n8n", mode="system"}': restarts(10),
        'namedprocess_namegroup_memory_bytes{host="h", service_name="n8n", memtype="resident"}': stays(250),
        'namedprocess_namegroup_memory_bytes{host="h", service_name="n8n", memtype="virtual"}': stays(900),
    },
    {
        **{
            f"system_cpu_utilization:{operation}_{window}{{{HOST}}}": 62.5
            for operation in ("avg", "max")
            for window in ("1m", "5m", "15m")
        },
        **{
            f'service_cpu_utilization:{operation}_{window}{{host="h", service_name="n8n"}}': 25
            for operation in ("avg", "max")
            for window in ("1m", "5m", "15m")
        },
        f"system_memory_utilization:percent{{{HOST}}}": 80,
        'service_memory_utilization:percent{host="h", service_name="n8n"}': 25,
        f'system_disk_space_used:percent{{{HOST}, mount_point="/"}}': 90,
        **{f"system_disk_io_ops:rate_{window}{{{DISK}}}": 3 for window in COUNTER_WINDOWS},
        f"system_disk_io_time:percent_5m{{{DISK}}}": 25,
        **{
            f'system_network_io_bytes:rate_{window}{{{LINK}, direction="{direction}"}}': rate
            for window in COUNTER_WINDOWS
            for direction, rate in (("in", 100), ("out", 200))
        },
        **{
            f'system_network_io_bytes:rate_{window}{{{HOST}, device="tun0", direction="{direction}"}}': rate
            for window in COUNTER_WINDOWS
            for direction, rate in (("in", 1250000), ("out", 0))
        },
        f"system_network_utilization:percent_5m{{{LINK}}}": 20,
        f'system_network_utilization:percent_5m{{{HOST}, device="tun0"}}': 1,
    },
)
PEAK = Case(
    "a CPU has a peak of one minute",
    ("odoo_recording_hosts",),
    {
        f'node_cpu_seconds_total{{{HOST}, cpu="0", mode="idle"}}': "0+60x110 6600+60x9",
        f'node_cpu_seconds_total{{{HOST}, cpu="0", mode="user"}}': "6000x110 6060x9",
    },
    {
        f"system_cpu_utilization:avg_1m{{{HOST}}}": 0,
        f"system_cpu_utilization:max_1m{{{HOST}}}": 0,
        f"system_cpu_utilization:avg_5m{{{HOST}}}": 0,
        f"system_cpu_utilization:max_5m{{{HOST}}}": 0,
        f"system_cpu_utilization:avg_15m{{{HOST}}}": 7.143,
        f"system_cpu_utilization:max_15m{{{HOST}}}": 100,
    },
    hours=2,
    evaluated="1m",
)

POSTGRESQL = Case(
    "PostgreSQL works",
    ("odoo_recording_postgresql",),
    {
        'pg_stat_activity_count{db_instance="x", datname="odoo", backend_type="client backend", state="idle"}': stays(
            25
        ),
        'pg_stat_activity_count{db_instance="x", datname="odoo", backend_type="client backend", state="active"}': stays(
            5
        ),
        'pg_stat_activity_count{db_instance="x", datname="n8n", backend_type="client backend", state="idle"}': stays(
            20
        ),
        # these take no connection
        'pg_stat_activity_count{db_instance="x", datname="odoo", backend_type="parallel worker", state="active"}': stays(  # noqa: E501
            8
        ),
        'pg_stat_activity_count{db_instance="x", datname="n8n", backend_type="autovacuum worker", state="active"}': stays(  # noqa: E501
            3
        ),
        # no session
        'pg_stat_activity_count{db_instance="x", datname="template1", state="active"}': stays(0),
        'pg_settings_max_connections{db_instance="x"}': stays(200),
        'postgresql_slow_queries_total{db_instance="x", database="odoo"}': restarts(30),
    },
    {
        'postgresql_connections_active_count:sum{db_instance="x"}': 50,
        'postgresql_connections_utilization:percent{db_instance="x"}': 25,
        **{
            f'postgresql_query_slow_query_rate:rate_{window}{{db_instance="x", database="odoo"}}': 0.5
            for window in COUNTER_WINDOWS
        },
    },
)

# 1970 begins on a Thursday
WORKING_HOURS = [
    Case(
        f"working hours, {hours} h after Thursday",
        ("influencegen_working_hours",),
        {},
        {f"working_hours:lead_{lead}": 1 for lead in leads},
        hours=hours,
    )
    for hours, leads in (
        (5, ()),
        (6, ("2h",)),
        (7, ("1h", "2h")),
        (8, ("15m", "1h", "2h")),
        (17, ("15m", "1h", "2h")),
        (18, ()),
        # Friday, Saturday and Sunday, Monday
        (24 + 17, ("15m", "1h", "2h")),
        (24 + 18, ()),
        (48 + 12, ()),
        (72 + 12, ()),
        (96 + 7, ("1h", "2h")),
    )
]

GPU = Case(
    "a GPU works",
    ("influencegen_recording_gpu",),
    {
        'gpu_memory_used_bytes{host="h", gpu="0", uuid="u"}': stays(30, hours=1),
        'gpu_memory_total_bytes{host="h", gpu="0", uuid="u"}': stays(40, hours=1),
        'gpu_memory_used_bytes{host="h", gpu="1", uuid="v"}': stays(0, hours=1),
        'gpu_memory_total_bytes{host="h", gpu="1", uuid="v"}': stays(0, hours=1),
    },
    {'gpu_memory_utilization:percent{host="h", gpu="0", uuid="u"}': 75},
    hours=1,
)

AVAILABILITY = Case(
    # Two services are critical. One is down for the last 60 of 1500 minutes, but for the very last.
    "a critical service is down for an hour",
    ("odoo_recording_availability",),
    {
        'probe_success{service_name="odoo", critical="true"}': "1x5760 0x235 1x3",
        'probe_success{service_name="n8n", critical="true"}': stays(1, every=15),
        'probe_success{service_name="kyc", critical="false"}': stays(0, every=15),
    },
    {
        "system_availability:percent_1m": 100,
        "system_availability:percent_1h": 50.833,
        "system_availability:percent_1d": 97.951,
        "system_availability:percent_30d": 98.035,
    },
    every=15,
    evaluated="1m",
)

BUDGET_WINDOWS = {"5m": 5, "30m": 30, "1h": 60, "2h": 120, "6h": 360, "1d": 1440, "3d": 4320}
BUDGETS = Case(
    "events use up error budgets",
    ("influencegen_slo",),
    {
        # of 100 calls per minute one fails, and one is not made
        'api_odoo_to_n8n_webhook_latency_seconds_count{instance="a", status_code_class="2xx"}': grows(50, hours=73),
        'api_odoo_to_n8n_webhook_latency_seconds_count{instance="b", status_code_class="2xx"}': restarts(48, hours=73),
        'api_odoo_to_n8n_webhook_latency_seconds_count{instance="a", status_code_class="5xx"}': grows(1, hours=73),
        'api_odoo_to_n8n_webhook_errors_total{instance="a", status_code_class="5xx"}': grows(1, hours=73),
        'api_odoo_to_n8n_webhook_errors_total{instance="b", status_code_class="circuit_open"}': restarts(1, hours=73),
        # no calls
        "api_n8n_to_odoo_callback_latency_seconds_count": stays(7, hours=73),
        "api_n8n_to_odoo_callback_errors_total": stays(7, hours=73),
        # none is made
        'api_n8n_to_aiservice_errors_total{status_code_class="circuit_open"}': grows(4, hours=73),
        # none ever failed
        "api_external_kyc_service_latency_seconds_count": grows(5, hours=73),
        'probe_success{service_name="odoo", critical="true"}': stays(1, hours=73),
        'probe_success{service_name="n8n", critical="true"}': stays(0, hours=73),
        'probe_success{service_name="kyc", critical="false"}': stays(0, hours=73),
        f'{AI}_bucket{{instance="a", le="30.0"}}': grows(9, hours=73),
        f'{AI}_count{{instance="a"}}': grows(10, hours=73),
        f'{AI}_bucket{{instance="b", le="30.0"}}': restarts(9, hours=73),
        f'{AI}_count{{instance="b"}}': restarts(10, hours=73),
    },
    {
        f'slo_{what}_{window}{{slo="{name}"}}': value
        for window, minutes in BUDGET_WINDOWS.items()
        for name, events, ratio in (
            ("webhook", 100, 0.02),
            ("callback", 0, None),
            ("aiservice", 4, 1),
            ("kyc", 5, 0),
            ("platform", 2, 0.5),
            ("image_latency", 10, 0.1),
        )
        for what, value in (("events:increase", events * minutes), ("errors:ratio", ratio))
        if value is not None
    },
    hours=73,
)

YOUNG = Case(
    "of the first calls only the failures are seen",
    ("influencegen_slo",),
    {
        'api_external_kyc_service_errors_total{status_code_class="5xx"}': "0x49 5x10",
        'api_external_kyc_service_latency_seconds_count{status_code_class="5xx"}': "_x50 5 6x9",
    },
    {
        'slo_events:increase_5m{slo="kyc"}': 0,
        **{f'slo_events:increase_{window}{{slo="kyc"}}': 1.05 for window in BUDGET_WINDOWS if window != "5m"},
        **{f'slo_errors:ratio_{window}{{slo="kyc"}}': 1 for window in BUDGET_WINDOWS if window != "5m"},
    },
    hours=1,
)

# 3 facts of one metric, and then 2 more and the first 4 of another; the exporter of database y has just begun
_FACT = 'database="x", fact="{}"'
CARRIED_OVER = Case(
    "a database is restored twice",
    ("odoo_recording_telemetry",),
    {
        **{
            f'odoo_telemetry_facts_carried_over_total{{instance="{instance}", {_FACT.format(fact)}}}': values
            for instance in "ab"
            for fact, values in (("f", "_x30 3x60 5x29"), ("g", "_x91 4x29"))
        },
        'odoo_telemetry_facts_carried_over_total{instance="a", database="y", fact="f"}': "_x100 7x20",
        'odoo_telemetry_ledger_backlog{instance="a", database="x"}': stays(0, hours=2),
        'odoo_telemetry_ledger_backlog{instance="a", database="y"}': "_x100 0x20",
    },
    {'facts_carried_over:increase_1h{database="x"}': 6},
    hours=2,
    evaluated="1m",
)

CASES = [
    *(case for name in APIS for case in _api(name)),
    AI_IMAGES,
    NO_AI_IMAGES,
    FAILED_IMAGES,
    GOOD_IMAGES,
    BUSINESS,
    NO_BUSINESS,
    NO_SUCCESS,
    DATABASES,
    BACKUPS,
    ODOO,
    NO_ODOO,
    FLEET,
    NO_FLEET,
    N8N,
    QUEUE_MODE,
    HOSTS,
    PEAK,
    POSTGRESQL,
    *WORKING_HOURS,
    GPU,
    AVAILABILITY,
    BUDGETS,
    YOUNG,
    CARRIED_OVER,
]
