"""Onboarding Funnel: where do people stop between the registration form and being active?"""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL, GOOD, PURPLE, SKY
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, FAST, LONG_TERM, Query, or_zero, quantile
from . import SERVICES

_DAY = "1d"
_DATABASE = 'database=~"$database"'
_KYC = "api_external_kyc_service_latency_seconds"


def _counted(series_name: str, matchers: str = "") -> str:
    return or_zero(
        f"sum(max without (instance) (increase({series_name}{{{matchers}{_DATABASE}}}[$__range])))",
        f"odoo_telemetry_threshold{{{_DATABASE}}}",
    )


def _decided(outcome: str, kind: str, name: str, colour: str) -> Query:
    counter = f'influencer_kyc_verifications_total{{outcome="{outcome}", verification_type="{kind}"}}'
    return Query(f"sum(max without (instance) (increase({counter}[1h])))", name, BUSINESS, colour)


def _logged_in(name: str, roles: str) -> Query:
    users = f'max by (database, user_role) (user_logins_daily_active_influencers{{{_DATABASE}, user_role=~"{roles}"}})'
    return Query(f"sum({users})", name, BUSINESS)


_OVERVIEW = (
    stat(
        "Registration success",
        Query("influencegen:influencer_registration_success_rate:percent_1h", interval=BUSINESS),
        "percent",
        spec="influencer.registration.success_rate",
        description="Share of the forms submitted in the last hour that were accepted. Low: open the form as an "
        "influencer, and look in Odoo's log for the refused values.",
        no_value="Nobody has tried to register in the last hour.",
        decimals=0,
        alerts=("RegistrationSuccessRateLow",),
    ),
    stat(
        "KYC approval rate",
        Query("influencegen:influencer_onboarding_kyc_approval_rate:percent_1d", interval=BUSINESS),
        "percent",
        spec="influencer.onboarding.kyc_approval_rate",
        description="Share of the checks decided in the last 24 hours that were approved.",
        no_value="No KYC check was decided in the last 24 hours.",
        decimals=0,
        alerts=("KycApprovalRateLow",),
    ),
    stat(
        "Waiting KYC checks",
        Query(f"sum(max by (database, state) (influencer_kyc_queue_length{{{_DATABASE}}}))", interval=BUSINESS),
        "none",
        spec="not in it; the difference of influencer.kyc.submission_rate and the decisions",
        description="Checks that wait for the service or for a reviewer.",
        no_value="Odoo is not scraped.",
        runbooks=("KycQueueOld",),
        mappings=NONE,
    ),
    stat(
        "Oldest KYC check",
        Query(f"max(influencer_kyc_queue_oldest_age_seconds{{{_DATABASE}}}) / 3600", interval=BUSINESS),
        "h",
        spec="not in it; the longest wait that influencer.onboarding.kyc_manual_review_time_avg_hours will have",
        description="Waiting time of the oldest undecided check. Above the threshold: ask the reviewers.",
        no_value="Odoo is not scraped.",
        decimals=1,
        alerts=("KycQueueOld",),
    ),
    stat(
        "Manual review time",
        Query("influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d", interval=BUSINESS),
        "h",
        spec="influencer.onboarding.kyc_manual_review_time_avg_hours",
        description="Mean of the checks that reviewers decided in the last 24 hours.",
        no_value="No reviewer has decided anything in the last 24 hours.",
        decimals=1,
        alerts=("KycManualReviewSlow",),
    ),
    stat(
        "Active influencers",
        Query(f"sum(max by (database) (influencer_active{{{_DATABASE}}}))", interval=BUSINESS),
        "none",
        spec="influencer.active_count_total",
        description="Influencers in state active, as Odoo's list shows them.",
        no_value="Odoo is not scraped.",
        decimals=0,
    ),
)

_FUNNEL = (
    bar_gauge(
        "Funnel",
        [
            Query(_counted("influencer_registration_attempts_total"), "1  form submitted", BUSINESS),
            Query(_counted("influencer_registration_success_total"), "2  registered", BUSINESS),
            Query(_counted("influencer_kyc_submissions_total"), "3  document submitted", BUSINESS),
            Query(_counted("influencer_kyc_verifications_total", 'outcome="approved", '), "4  approved", BUSINESS),
        ],
        "none",
        spec="influencer.registration.attempts_rate, influencer.registration.success_rate, "
        "influencer.kyc.submission_rate, influencer.onboarding.kyc_approval_rate",
        description="People that took each step in the time range of the page. Some of them registered before it, so a "
        "later step can have more than an earlier one. A form that is submitted again counts again.",
        no_value="Odoo is not scraped.",
        decimals=0,
    ),
    time_series(
        "Registrations and approvals per hour",
        [
            Query("3600 * influencegen:influencer_registration_attempts_rate:rate_1h", "forms submitted", BUSINESS),
            Query("3600 * influencegen:influencer_kyc_submission_rate:rate_1h", "documents submitted", BUSINESS),
            Query(
                '3600 * sum(max without (instance) (rate(influencer_kyc_verifications_total{outcome="approved"}[1h])))',
                "approved",
                BUSINESS,
                GOOD,
            ),
        ],
        "none",
        width=12,
        spec="influencer.registration.attempts_rate, influencer.kyc.submission_rate",
        description="In the hour before each moment; the thresholds are those of forms. If forms continue and "
        "documents stop, look at the upload page.",
        no_value="Nobody has tried to register yet.",
        alerts=("RegistrationsLow", "RegistrationsHigh"),
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
        description="Checks decided in the hour before each moment, by the service itself or by a reviewer.",
        no_value="No KYC check was decided yet.",
        runbooks=("KycApprovalRateLow",),
    ),
    time_series(
        "KYC step latency",
        [
            Query(
                "influencegen:influencer_kyc_verification_automated_step_latency_seconds:p95_5m",
                "{{step_name}} p95",
            ),
            Query(
                "influencegen:influencer_kyc_verification_automated_step_latency_seconds:avg_5m",
                "{{step_name}} mean",
            ),
        ],
        "s",
        spec="influencer.kyc.verification.automated_step_latency_seconds (p95, avg)",
        description="With all attempts of the call that the step makes. If it is slow and the service is not, calls "
        "are retried.",
        no_value="No check was made in this time.",
    ),
    time_series(
        "KYC service latency",
        [
            Query("influencegen:api_external_kyc_service_latency_seconds:p95_5m", "p95"),
            Query(quantile(0.5, _KYC), "p50", FAST, exemplars=True),
        ],
        "s",
        spec="api.external_kyc_service.latency_seconds (p95)",
        description="Single calls of the service that checks documents. The threshold is its provider's SLA.",
        no_value="The service was not called in this time.",
        alerts=("KycServiceSlow",),
        runbooks=("KycServiceErrors", "KycServiceDown"),
    ),
    time_series(
        "KYC service errors per minute",
        [
            Query(
                "60 * sum by (status_code_class) (influencegen:api_external_kyc_service_error_rate:rate_5m) > 0",
                "{{status_code_class}}",
                colour=CRITICAL,
            ),
        ],
        "none",
        width=12,
        spec="api.external_kyc_service.error_rate",
        description="Failed attempts, by reason.",
        no_value="No call has failed in this time.",
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
        no_value="Nobody has logged in today.",
    ),
)

_TREND = (
    time_series(
        "Registrations and approvals per day",
        [
            Query(
                "sum(sum_over_time(tier:influencer_registration_attempts:increase[$__interval]))",
                "forms submitted",
                _DAY,
                source=LONG_TERM,
            ),
            Query(
                "sum(sum_over_time(tier:influencer_registration_success:increase[$__interval]))",
                "registered",
                _DAY,
                source=LONG_TERM,
            ),
            Query(
                'sum(sum_over_time(tier:influencer_kyc_verifications:increase{outcome="approved"}[$__interval]))',
                "approved",
                _DAY,
                source=LONG_TERM,
            ),
        ],
        "none",
        width=24,
        last="90d",
        step=_DAY,
        spec="influencer.onboarding.registrations_per_hour, by day",
        description="By day, over 90 days whatever the time range of the page.",
        no_value="A day is shown when it is complete, and the first is not yet.",
    ),
)

PAGE = Page(
    uid="onboarding-funnel",
    title="Onboarding Funnel",
    audience="Business Stakeholders, Platform Management",
    summary="Where do people stop between the registration form and being active?",
    refresh="5m",
    time_range="24h",
    team="business",
    services=SERVICES,
    variables=(variables.long_term, variables.database),
    rows={
        "Overview": _OVERVIEW,
        "Funnel": _FUNNEL,
        "KYC": _KYC_ROW,
        "90-day trend": _TREND,
    },
)
