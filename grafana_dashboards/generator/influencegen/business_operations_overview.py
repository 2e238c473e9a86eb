"""Business Operations Overview: does the business grow, and does anything hold it up?"""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL, GOOD
from ..panels import bar_gauge, stat, time_series
from ..queries import BUSINESS, LONG_TERM, Query
from . import SERVICES

_DAY = "1d"
_PER_HOUR = "influencegen:influencer_onboarding_registrations_per_hour"
_INCOMPLETE = "A day is shown when it is complete, and the first is not yet."
_NOT_SCRAPED = "Odoo is not scraped: notify the platform administrators."

_OVERVIEW = (
    stat(
        "Registrations (1 h)",
        Query(f"{_PER_HOUR}:increase_1h", interval=BUSINESS),
        "none",
        spec="influencer.onboarding.registrations_per_hour",
        description="Submitted registration forms. The colour compares them with the plan.",
        no_value="Nobody has tried to register yet.",
        decimals=0,
        alerts=("RegistrationsLow", "RegistrationsHigh"),
        links={"Onboarding": "onboarding-funnel"},
    ),
    stat(
        "Registration success",
        Query("influencegen:influencer_registration_success_rate:percent_1h", interval=BUSINESS),
        "percent",
        spec="influencer.registration.success_rate",
        description="Share of the forms submitted in the last hour that were accepted. Low: many people make the same "
        "mistake, or bots submit the form.",
        no_value="Nobody has tried to register in the last hour.",
        decimals=0,
        alerts=("RegistrationSuccessRateLow",),
        links={"Onboarding": "onboarding-funnel"},
    ),
    stat(
        "KYC approval rate",
        Query("influencegen:influencer_onboarding_kyc_approval_rate:percent_1d", interval=BUSINESS),
        "percent",
        spec="influencer.onboarding.kyc_approval_rate",
        description="Share of the KYC checks decided in the last 24 hours that were approved. Low: find the kind of "
        "check that rejects.",
        no_value="No KYC check was decided in the last 24 hours.",
        decimals=0,
        alerts=("KycApprovalRateLow",),
        links={"Onboarding": "onboarding-funnel"},
    ),
    stat(
        "Active influencers",
        Query("influencegen:influencer_active_count_total:max", interval=BUSINESS),
        "none",
        spec="influencer.active_count_total",
        description="Influencers in state active, as Odoo's list shows them. The first goal is 10,000.",
        no_value=_NOT_SCRAPED,
        decimals=0,
    ),
    stat(
        "Payment success",
        Query("influencegen:payment_processing_success_rate:percent_1h", interval=BUSINESS),
        "percent",
        spec="payment.processing.success_rate",
        description="Share of the payments that ended in the last hour which were paid. Failed ones can be retried in "
        "Odoo.",
        no_value="No payment ended in the last hour.",
        decimals=0,
        alerts=("PaymentSuccessRateLow",),
    ),
    stat(
        "AI images (24 h)",
        Query("influencegen:ai_image_generation_daily_volume:increase_1d", interval=BUSINESS),
        "none",
        spec="ai.image_generation.daily_volume",
        description="AI images that influencers requested.",
        no_value="No image was requested yet.",
        decimals=0,
        alerts=("AiImageVolumeLow", "AiImageVolumeHigh"),
        links={"Images": "ai-image-generation-service-kpis"},
    ),
)

_CURRENT = (
    time_series(
        "Registrations per hour",
        [
            Query(f"{_PER_HOUR}:increase_1h", "attempts", BUSINESS),
            Query(
                "sum(max without (instance) (increase(influencer_registration_success_total[1h])))",
                "accepted",
                BUSINESS,
                GOOD,
            ),
        ],
        "none",
        width=12,
        spec="influencer.onboarding.registrations_per_hour",
        description="Submitted and accepted registration forms in the hour before each moment. The thresholds are the "
        "plan.",
        no_value="Nobody has tried to register yet.",
        alerts=("RegistrationsLow", "RegistrationsHigh"),
        links={"Onboarding": "onboarding-funnel"},
    ),
    bar_gauge(
        "Applications by campaign (1 h)",
        [
            Query(
                'topk(8, 3600 * influencegen:campaign_application_rate:rate_1h{campaign_id=~"$campaign"})',
                "campaign {{campaign_id}}",
                BUSINESS,
            ),
        ],
        "none",
        spec="campaign.application_rate",
        decimals=0,
        description="Applications in the last hour, of the eight campaigns with the most, by the ID of the campaign in "
        "Odoo.",
        no_value="Nobody has applied yet.",
    ),
    time_series(
        "Payments per hour",
        [
            Query(
                "sum(max without (instance) (increase(payment_processing_attempts_total[1h])))",
                "attempts",
                BUSINESS,
            ),
            Query(
                "sum(max without (instance) (increase(payment_processing_success_total[1h])))",
                "paid",
                BUSINESS,
                GOOD,
            ),
            Query(
                "sum(max without (instance) (increase(payment_processing_failures_total[1h])))",
                "failed",
                BUSINESS,
                CRITICAL,
            ),
        ],
        "none",
        width=12,
        spec="payment.processing.success_rate, payment.processing.attempts_rate",
        description="Payments that ended in the hour before each moment. If many fail, ask the payment provider.",
        no_value="No payment was made yet.",
        runbooks=("PaymentSuccessRateLow",),
    ),
    time_series(
        "Campaign activity",
        [
            Query(
                '3600 * sum(influencegen:campaign_application_rate:rate_1h{campaign_id=~"$campaign"})',
                "applications",
                BUSINESS,
            ),
            Query(
                '3600 * sum(influencegen:campaign_content_submission_rate:rate_1h{campaign_id=~"$campaign"})',
                "content submissions",
                BUSINESS,
            ),
        ],
        "none",
        width=12,
        spec="campaign.application_rate, campaign.content.submission_rate",
        description="In the hour before each moment, of the chosen campaigns. If no content follows the applications, "
        "ask the influencers of that campaign.",
        no_value="Nobody has applied yet.",
    ),
)

_TREND = (
    time_series(
        "Active influencers per day",
        [
            Query("sum(avg_over_time(tier:influencer_active:avg[$__interval]))", "active", _DAY, source=LONG_TERM),
            Query(
                'sum(max_over_time(tier:user_logins_daily_active_influencers:avg{user_role="influencer"}[$__interval]))',
                "logged in",
                _DAY,
                source=LONG_TERM,
            ),
        ],
        "none",
        last="90d",
        step=_DAY,
        spec="influencer.active_count_total, user.logins.daily_active_influencers",
        description="Over 90 days, whatever the time range of the page. Days of logins begin at midnight UTC.",
        no_value=_INCOMPLETE,
    ),
    time_series(
        "Registrations and applications per day",
        [
            Query(
                "sum(sum_over_time(tier:influencer_registration_success:increase[$__interval]))",
                "registrations",
                _DAY,
                source=LONG_TERM,
            ),
            Query(
                'sum(sum_over_time(tier:campaign_applications:increase{campaign_id=~"$campaign"}[$__interval]))',
                "applications",
                _DAY,
                source=LONG_TERM,
            ),
        ],
        "none",
        last="90d",
        step=_DAY,
        spec="influencer.registration.attempts_rate, campaign.application_rate",
        description="Over 90 days, whatever the time range of the page.",
        no_value=_INCOMPLETE,
    ),
    time_series(
        "Payments per day",
        [
            Query(
                "sum(sum_over_time(tier:payment_processing_success:increase[$__interval]))",
                "paid",
                _DAY,
                GOOD,
                source=LONG_TERM,
            ),
            Query(
                "sum(sum_over_time(tier:payment_processing_failures:increase[$__interval]))",
                "failed",
                _DAY,
                CRITICAL,
                source=LONG_TERM,
            ),
        ],
        "none",
        stacked=True,
        last="90d",
        step=_DAY,
        spec="payment.processing.attempts_rate",
        description="One bar per day, over 90 days whatever the time range of the page.",
        no_value=_INCOMPLETE,
    ),
)

PAGE = Page(
    uid="business-operations-overview",
    title="Business Operations Overview",
    audience="Business Stakeholders, Platform Management",
    summary="Does the business grow, and does anything hold it up?",
    refresh="5m",
    time_range="24h",
    team="business",
    services=SERVICES,
    variables=(variables.long_term, variables.campaign),
    rows={"Overview": _OVERVIEW, "Current activity": _CURRENT, "90-day trend": _TREND},
)
