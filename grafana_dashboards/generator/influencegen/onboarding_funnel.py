"""Onboarding Funnel: conversion from the registration form to the approved influencer, by step."""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL, GOOD, PURPLE, SKY
from ..panels import NONE, bar_gauge, firing, stat, time_series
from ..queries import BUSINESS, FAST, LONG_TERM, Query, or_zero, quantile
from . import SERVICES

_DAY = "1d"
_HOURS = 3600
_DATABASE = 'database=~"$database"'
_APPROVED = f'{_DATABASE}, outcome="approved"'
_ATTEMPTS, _REGISTERED = "influencer_registration_attempts_total", "influencer_registration_success_total"
_SUBMISSIONS, _DECISIONS = "influencer_kyc_submissions_total", "influencer_kyc_verifications_total"
_REVIEW = "influencer_onboarding_kyc_manual_review_time_seconds"
_STEP = "influencer_kyc_verification_automated_step_latency_seconds"
_SERVICE = "api_external_kyc_service"
_NO_DATA = "No data from Odoo: notify the platform administrators."
_ALL_DATABASES = "The alert is about all databases together."


def _increase(series_name: str, window: str, matchers: str = _DATABASE) -> str:
    """Return what a counter that every server reads from the database grew by."""
    return f"sum(max without (instance) (increase({series_name}{{{matchers}}}[{window}])))"


def _percent(part: str, whole: str) -> str:
    return f"100 * ({part} or 0 * {whole}) / ({whole} > 0)"


def _counted(series_name: str, matchers: str = _DATABASE) -> str:
    return or_zero(_increase(series_name, "$__range", matchers), f"odoo_telemetry_threshold{{{_DATABASE}}}")


def _conversion(reached: str, of: str, name: str, matchers: str = _DATABASE) -> Query:
    return Query(_percent(_increase(reached, "$__range", matchers), _increase(of, "$__range")), name, BUSINESS)


def _decided(outcome: str, kind: str, name: str, colour: str) -> Query:
    matchers = f'{_DATABASE}, outcome="{outcome}", verification_type="{kind}"'
    return Query(_increase(_DECISIONS, "1h", matchers), name, BUSINESS, colour)


def _logged_in(name: str, roles: str) -> Query:
    users = f'max by (database, user_role) (user_logins_daily_active_influencers{{{_DATABASE}, user_role=~"{roles}"}})'
    return Query(f"sum({users})", name, BUSINESS)


def _per_day(name: str, series_name: str, matchers: str = _DATABASE) -> Query:
    series = f"tier:{series_name.removesuffix('_total')}:increase{{{matchers}}}"
    return Query(f"sum(sum_over_time({series}[$__interval]))", name, _DAY, source=LONG_TERM)


_OVERVIEW = (
    firing(
        "Firing alerts",
        'severity=~"warning|critical", team="business"',
        width=6,
        description="Firing alerts about registrations, KYC and payments, of all databases. They start in working "
        "hours only.",
    ),
    stat(
        "Registration success rate (1 h)",
        Query(_percent(_increase(_REGISTERED, "1h"), _increase(_ATTEMPTS, "1h")), interval=BUSINESS),
        "percent",
        width=6,
        spec="influencer.registration.success_rate",
        description="Share of the registration attempts in the last hour that succeeded. If low: open the form as an "
        f"influencer. Odoo's log has the messages of rejected API calls, but not of rejected forms. {_ALL_DATABASES}",
        no_value="No registration attempts in the last hour.",
        decimals=0,
        alerts=("RegistrationSuccessRateLow",),
    ),
    stat(
        "KYC approval rate (24 h)",
        Query(_percent(_increase(_DECISIONS, "1d", _APPROVED), _increase(_DECISIONS, "1d")), interval=BUSINESS),
        "percent",
        width=6,
        spec="influencer.onboarding.kyc_approval_rate",
        description="Share of the KYC decisions of the last 24 hours that were approvals. If low, see KYC decisions "
        f"per hour. {_ALL_DATABASES}",
        no_value="No KYC decisions in the last 24 hours.",
        decimals=0,
        alerts=("KycApprovalRateLow",),
    ),
    stat(
        "Manual review time (24 h)",
        Query(f"{_increase(f'{_REVIEW}_sum', '1d')} / ({_increase(f'{_REVIEW}_count', '1d')} > 0)", interval=BUSINESS),
        "s",
        width=6,
        spec="influencer.onboarding.kyc_manual_review_time_avg_hours",
        description="Mean time of the manual KYC reviews that ended in the last 24 hours. If high, assign more "
        f"reviewers. {_ALL_DATABASES}",
        no_value="No manual reviews ended in the last 24 hours.",
        decimals=1,
        alerts=("KycManualReviewSlow",),
        scale=_HOURS,
    ),
    stat(
        "KYC backlog",
        Query(f"sum(max by (database, state) (influencer_kyc_queue_length{{{_DATABASE}}}))", interval=BUSINESS),
        "none",
        width=8,
        description="KYC submissions waiting for the KYC service or for a reviewer.",
        no_value=_NO_DATA,
        runbooks=("KycQueueOld",),
        mappings=NONE,
    ),
    stat(
        "Oldest KYC submission",
        Query(f"max(influencer_kyc_queue_oldest_age_seconds{{{_DATABASE}}})", interval=BUSINESS),
        "s",
        width=8,
        description="Waiting time of the oldest undecided KYC submission. Above the threshold: ask the reviewers.",
        no_value=_NO_DATA,
        decimals=1,
        alerts=("KycQueueOld",),
        scale=_HOURS,
    ),
    stat(
        "Active influencers",
        Query(f"sum(max by (database) (influencer_active{{{_DATABASE}}}))", interval=BUSINESS),
        "none",
        width=8,
        spec="influencer.active_count_total",
        description="Influencers in the state active, as in Odoo's list.",
        no_value=_NO_DATA,
        decimals=0,
    ),
)

_FUNNEL = (
    bar_gauge(
        "Funnel (selected range)",
        [
            Query(_counted(_ATTEMPTS), "1  form submitted (attempt)", BUSINESS),
            Query(_counted(_REGISTERED), "2  registered", BUSINESS),
            Query(_counted(_SUBMISSIONS), "3  document submitted", BUSINESS),
            Query(_counted(_DECISIONS, _APPROVED), "4  approved", BUSINESS),
        ],
        "none",
        width=8,
        spec="influencer.registration.attempts_rate, influencer.registration.success_rate, "
        "influencer.kyc.submission_rate, influencer.onboarding.kyc_approval_rate",
        description="People who completed each step in the dashboard time range. Later steps can exceed earlier ones, "
        "because some people started before the selected range. A form or document that is submitted again counts "
        "again.",
        no_value=_NO_DATA,
        decimals=0,
    ),
    bar_gauge(
        "Conversion by step (selected range)",
        [
            _conversion(_REGISTERED, _ATTEMPTS, "registered / form submitted"),
            _conversion(_SUBMISSIONS, _REGISTERED, "document submitted / registered"),
            _conversion(_DECISIONS, _SUBMISSIONS, "approved / document submitted", _APPROVED),
            _conversion(_DECISIONS, _ATTEMPTS, "approved / form submitted", _APPROVED),
        ],
        "percent",
        width=8,
        maximum=100,
        spec="influencer.registration.success_rate, influencer.onboarding.kyc_approval_rate",
        description="Each step of the funnel as a share of the one before, and the approvals as a share of all forms "
        "submitted, in the dashboard time range. Above 100%: people who started before the range completed the step.",
        no_value="No forms submitted in the selected time range.",
        decimals=0,
    ),
    time_series(
        "Registrations and approvals per hour",
        [
            Query(_increase(_ATTEMPTS, "1h"), "form submitted (attempt)", BUSINESS),
            Query(_increase(_SUBMISSIONS, "1h"), "document submitted", BUSINESS),
            Query(_increase(_DECISIONS, "1h", _APPROVED), "approved", BUSINESS, GOOD),
        ],
        "none",
        spec="influencer.registration.attempts_rate, influencer.kyc.submission_rate",
        description="Over the preceding hour. If forms continue and documents stop, check the upload page.",
        no_value="No registration attempts yet.",
        runbooks=("RegistrationsLow", "RegistrationsHigh"),
    ),
)

_KYC_ROW = (
    time_series(
        "KYC decisions per hour",
        [
            _decided("approved", "automated", "approved by the service", GOOD),
            _decided("approved", "manual", "approved by a reviewer", SKY),
            _decided("rejected", "automated", "rejected by the service", CRITICAL),
            _decided("rejected", "manual", "rejected by a reviewer", PURPLE),
        ],
        "none",
        spec="influencer.kyc.verification.success_rate",
        description="KYC submissions decided over the preceding hour, by the KYC service or by a reviewer.",
        no_value="No KYC decisions yet.",
        runbooks=("KycApprovalRateLow",),
    ),
    time_series(
        "KYC step latency",
        [
            Query(quantile(0.95, _STEP, "le, step_name", _DATABASE, "5m"), "{{step_name}} p95", BUSINESS),
            Query(
                f"sum by (step_name) (rate({_STEP}_sum{{{_DATABASE}}}[5m])) / "
                f"(sum by (step_name) (rate({_STEP}_count{{{_DATABASE}}}[5m])) > 0)",
                "{{step_name}} mean",
                BUSINESS,
            ),
        ],
        "s",
        spec="influencer.kyc.verification.automated_step_latency_seconds (p95, avg)",
        description="Over 5 minutes, retries included. If a step is slow but the KYC service is not, calls are being "
        "retried.",
        no_value="No automated KYC steps in the selected time range.",
    ),
    time_series(
        "KYC service latency",
        [
            Query(quantile(0.95, f"{_SERVICE}_latency_seconds", "le", _DATABASE, "5m"), "p95", FAST),
            Query(quantile(0.5, f"{_SERVICE}_latency_seconds", "le", _DATABASE, "5m"), "p50", FAST, exemplars=True),
        ],
        "s",
        spec="api.external_kyc_service.latency_seconds (p95)",
        description="Single calls of the KYC service, over 5 minutes. The threshold is the SLA of its provider, and "
        "applies to the p95. Each diamond is a single call and links to its trace.",
        no_value="No calls of the KYC service in the selected time range.",
        alerts=("KycServiceSlow",),
        runbooks=("KycServiceErrors", "KycServiceDown"),
    ),
    time_series(
        "KYC service errors per minute",
        [
            Query(
                f"60 * sum by (status_code_class) (rate({_SERVICE}_errors_total{{{_DATABASE}}}[5m])) > 0",
                "{{status_code_class}}",
                FAST,
            ),
        ],
        "none",
        width=12,
        spec="api.external_kyc_service.error_rate",
        description="Failed attempts by reason, over 5 minutes.",
        no_value="No failed calls in the selected time range.",
        runbooks=("KycServiceErrors",),
    ),
    time_series(
        "Users logged in today",
        [
            _logged_in("influencers", "influencer|portal"),
            _logged_in("staff", "user|manager|admin"),
        ],
        "none",
        width=12,
        spec="user.logins.daily_active_influencers",
        description="Distinct users that logged in since midnight UTC.",
        no_value="No logins today.",
    ),
)

_TREND = (
    time_series(
        "Registrations and approvals per day",
        [
            _per_day("form submitted (attempt)", _ATTEMPTS),
            _per_day("registered", _REGISTERED),
            _per_day("approved", _DECISIONS, _APPROVED),
        ],
        "none",
        width=24,
        last="90d",
        step=_DAY,
        spec="influencer.onboarding.registrations_per_hour",
        description="Last 90 days; ignores the dashboard time range.",
        no_value="No complete day yet: the first appears after midnight UTC.",
    ),
)

PAGE = Page(
    uid="onboarding-funnel",
    title="Onboarding Funnel",
    audience="Business Stakeholders, Platform Management",
    summary="Conversion from the registration form to the approved influencer, by step, and KYC latency and backlog.",
    refresh="5m",
    time_range="24h",
    team="business",
    services=SERVICES,
    variables=(variables.long_term, variables.database),
    rows={
        "Overview": _OVERVIEW,
        "Conversion": _FUNNEL,
        "KYC": _KYC_ROW,
        "90-day trend": _TREND,
    },
)
