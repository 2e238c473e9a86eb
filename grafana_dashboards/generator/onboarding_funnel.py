"""Onboarding funnel: where do people stop on the way from the registration form to being active?"""

from . import variables
from .frame import Page
from .palette import CRITICAL, GOOD, PURPLE, SKY
from .panels import NONE, bars, figure, series
from .queries import BUSINESS, FAST, LONG_TERM, Query, or_none, quantile

_DAY = "1d"
_DATABASE = 'database=~"$database"'
_KYC = "api_external_kyc_service_latency_seconds"


def _counted(series_name, matchers=""):
    return or_none(
        f"sum(max without (instance) (increase({series_name}{{{matchers}{_DATABASE}}}[$__range])))",
        "influencegen-business",
    )


def _decided(outcome, kind, name, colour):
    counter = f'influencer_kyc_verifications_total{{outcome="{outcome}", verification_type="{kind}"}}'
    return Query(f"sum(max without (instance) (increase({counter}[1h])))", name, BUSINESS, colour)


def _logged_in(name, roles):
    users = f'max by (database, user_role) (user_logins_daily_active_influencers{{{_DATABASE}, user_role=~"{roles}"}})'
    return Query(f"sum({users})", name, BUSINESS)


_FIRST = (
    figure(
        "Registrations OK",
        Query("influencegen:influencer_registration_success_rate:percent_1h", every=BUSINESS),
        "percent",
        spec="influencer.registration.success_rate",
        says="Of the forms sent in the last hour, how many were accepted. Low: look at the form as an influencer "
        "sees it, and in Odoo's log at what was refused.",
        empty="Nobody has tried to register in the last hour.",
        decimals=0,
        alerts=("RegistrationSuccessRateLow",),
    ),
    figure(
        "KYC approved",
        Query("influencegen:influencer_onboarding_kyc_approval_rate:percent_1d", every=BUSINESS),
        "percent",
        spec="influencer.onboarding.kyc_approval_rate",
        says="Of the checks decided in the last 24 hours, how many were approved.",
        empty="No KYC check was decided in the last 24 hours.",
        decimals=0,
        alerts=("KycApprovalRateLow",),
    ),
    figure(
        "KYC checks waiting",
        Query(f"sum(max by (database, state) (influencer_kyc_queue_length{{{_DATABASE}}}))", every=BUSINESS),
        "none",
        spec="not in it; what is between influencer.kyc.submission_rate and a decision",
        says="Checks that wait for the service or for a reviewer.",
        empty="Odoo is not scraped.",
        runbooks=("KycQueueOld",),
        words=NONE,
    ),
    figure(
        "The oldest waits",
        Query(f"max(influencer_kyc_queue_oldest_age_seconds{{{_DATABASE}}}) / 3600", every=BUSINESS),
        "h",
        spec="not in it; the longest wait that influencer.onboarding.kyc_manual_review_time_avg_hours will have",
        says="How long the check that came first has waited. Above the limit: ask the reviewers.",
        empty="Odoo is not scraped.",
        decimals=1,
        alerts=("KycQueueOld",),
    ),
    figure(
        "A review takes",
        Query("influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d", every=BUSINESS),
        "h",
        spec="influencer.onboarding.kyc_manual_review_time_avg_hours",
        says="The average of the checks that reviewers decided in the last 24 hours.",
        empty="No reviewer has decided anything in the last 24 hours.",
        decimals=1,
        alerts=("KycManualReviewSlow",),
    ),
    figure(
        "Active influencers",
        Query(f"sum(max by (database) (influencer_active{{{_DATABASE}}}))", every=BUSINESS),
        "none",
        spec="influencer.active_count_total",
        says="Influencers in state active, as Odoo's list shows them.",
        empty="Odoo is not scraped.",
        decimals=0,
    ),
)

_FUNNEL = (
    bars(
        "Where do people stop?",
        [
            Query(_counted("influencer_registration_attempts_total"), "1  sent the form", BUSINESS),
            Query(_counted("influencer_registration_success_total"), "2  were registered", BUSINESS),
            Query(_counted("influencer_kyc_submissions_total"), "3  handed in a document", BUSINESS),
            Query(_counted("influencer_kyc_verifications_total", 'outcome="approved", '), "4  were approved", BUSINESS),
        ],
        "none",
        spec="influencer.registration.attempts_rate, influencer.registration.success_rate, "
        "influencer.kyc.submission_rate, influencer.onboarding.kyc_approval_rate",
        says="How many took each step in the time that the page shows. Who registered before may be approved within "
        "it, so a later step can have more than an earlier one. A form that is sent again counts again.",
        empty="Odoo is not scraped.",
        decimals=0,
    ),
    series(
        "How many begin, and how many get in?",
        [
            Query("3600 * influencegen:influencer_registration_attempts_rate:rate_1h", "forms sent", BUSINESS),
            Query("3600 * influencegen:influencer_kyc_submission_rate:rate_1h", "documents handed in", BUSINESS),
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
        says="In the hour before each moment; the limits are of forms. If forms go on and documents stop, look at the "
        "upload page.",
        empty="Nobody has tried to register since counting began.",
        alerts=("RegistrationsLow", "RegistrationsHigh"),
    ),
)

_KYC_ROW = (
    series(
        "How are checks decided?",
        [
            _decided("approved", "automated", "approved by the service", GOOD),
            _decided("approved", "manual", "approved by a reviewer", SKY),
            _decided("rejected", "automated", "rejected by the service", CRITICAL),
            _decided("rejected", "manual", "rejected by a reviewer", PURPLE),
        ],
        "none",
        spec="influencer.kyc.verification.success_rate",
        says="Checks decided in the hour before each moment, by the service itself or by a reviewer.",
        empty="No KYC check was decided since counting began.",
        runbooks=("KycApprovalRateLow",),
    ),
    series(
        "How long does each step take?",
        [
            Query(
                "influencegen:influencer_kyc_verification_automated_step_latency_seconds:p95_5m",
                "{{step_name}}: one in twenty takes longer",
            ),
            Query(
                "influencegen:influencer_kyc_verification_automated_step_latency_seconds:avg_5m",
                "{{step_name}}: average",
            ),
        ],
        "s",
        spec="influencer.kyc.verification.automated_step_latency_seconds (p95, avg)",
        says="With all tries of the call that the step makes. If it is slow and the service is not, calls are made "
        "again and again.",
        empty="No check was made in this time.",
    ),
    series(
        "Does the KYC service answer, and fast?",
        [
            Query("influencegen:api_external_kyc_service_latency_seconds:p95_5m", "one call in twenty takes longer"),
            Query(quantile(0.5, _KYC), "half of the calls take longer", FAST, exemplars=True),
        ],
        "s",
        spec="api.external_kyc_service.latency_seconds (p95)",
        says="Single calls of the service that checks documents. The limit is what its provider promises.",
        empty="The service was not called in this time.",
        alerts=("KycServiceSlow",),
        runbooks=("KycServiceErrors", "KycServiceDown"),
    ),
    series(
        "How many calls of the KYC service fail?",
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
        says="Tries that failed, a minute, by why.",
        empty="No call has failed in this time.",
        runbooks=("KycServiceErrors",),
    ),
    series(
        "Who logs in?",
        [
            _logged_in("influencers", "influencer|portal"),
            _logged_in("staff", "user|manager|admin"),
        ],
        "none",
        width=12,
        spec="user.logins.daily_active_influencers",
        says="Distinct people that logged in since midnight UTC.",
        empty="Nobody has logged in today.",
    ),
)

_MONTHS = (
    series(
        "How many get in?",
        [
            Query(
                "sum(sum_over_time(tier:influencer_registration_attempts:increase[$__interval]))",
                "forms sent",
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
        since="90d",
        step=_DAY,
        spec="influencer.onboarding.registrations_per_hour, by day",
        says="By day, over 90 days whatever time the page shows.",
        empty="A day is shown when it is over, and the first is not.",
    ),
)

PAGE = Page(
    uid="onboarding-funnel",
    title="Onboarding Funnel",
    audience="Business Stakeholders, Platform Management",
    answers="Where do people stop on the way from the registration form to being active?",
    refresh="5m",
    shows="24h",
    team="business",
    choices=(variables.long_term, variables.database),
    rows={
        "Is it all right?": _FIRST,
        "Where do people stop?": _FUNNEL,
        "Is the check the reason?": _KYC_ROW,
        "How has it become over the last 90 days?": _MONTHS,
    },
)
