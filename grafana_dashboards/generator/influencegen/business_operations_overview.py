"""Business Operations Overview: growth of the business: registrations, campaigns, payments and AI images."""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL, GOOD, GREY
from ..panels import bar_gauge, firing, stat, time_series
from ..queries import BUSINESS, LONG_TERM, Query
from . import SERVICES

_DAY = "1d"
_PER_HOUR = "influencegen:influencer_onboarding_registrations_per_hour"
_APPLICATIONS = '3600 * sum(influencegen:campaign_application_rate:rate_1h{campaign_id=~"$campaign"})'
_NO_DAY = "No complete day yet: the first appears after midnight UTC."
_NO_DATA = "No data from Odoo: notify the platform administrators."
_NO_ATTEMPT = "No registration attempts yet."
_NO_APPLICATION = "No applications yet."
_LAST_90_DAYS = "Last 90 days; ignores the dashboard time range."

_OVERVIEW = (
    firing(
        "Firing alerts",
        'severity=~"warning|critical", team="business"',
        width=6,
        description="Firing alerts about registrations, KYC and payments. They start in working hours only.",
    ),
    stat(
        "Registration attempts (1 h)",
        Query(f"{_PER_HOUR}:increase_1h", interval=BUSINESS),
        "none",
        width=6,
        spec="influencer.onboarding.registrations_per_hour",
        description="Registrations submitted by form or API in the last hour, whether or not they were accepted. The "
        "alert about few attempts compares the average of 24 hours, because nights are quiet.",
        no_value=_NO_ATTEMPT,
        decimals=0,
        alerts=("RegistrationsHigh",),
        runbooks=("RegistrationsLow",),
        links={"Onboarding": "onboarding-funnel"},
    ),
    stat(
        "Registration success rate (1 h)",
        Query("influencegen:influencer_registration_success_rate:percent_1h", interval=BUSINESS),
        "percent",
        width=6,
        spec="influencer.registration.success_rate",
        description="Share of the registration attempts in the last hour that succeeded. If low: a validation rule "
        "rejects many people, or bots submit the form.",
        no_value="No registration attempts in the last hour.",
        decimals=0,
        alerts=("RegistrationSuccessRateLow",),
        links={"Onboarding": "onboarding-funnel"},
    ),
    stat(
        "KYC approval rate (24 h)",
        Query("influencegen:influencer_onboarding_kyc_approval_rate:percent_1d", interval=BUSINESS),
        "percent",
        width=6,
        spec="influencer.onboarding.kyc_approval_rate",
        description="Share of the KYC decisions of the last 24 hours that were approvals. If low, see KYC decisions "
        "per hour on the dashboard Onboarding Funnel.",
        no_value="No KYC decisions in the last 24 hours.",
        decimals=0,
        alerts=("KycApprovalRateLow",),
        links={"Onboarding": "onboarding-funnel"},
    ),
    stat(
        "Active influencers",
        Query("influencegen:influencer_active_count_total:max", interval=BUSINESS),
        "none",
        width=6,
        spec="influencer.active_count_total",
        description="Influencers in the state active, as in Odoo's list. Target: 10,000.",
        no_value=_NO_DATA,
        decimals=0,
    ),
    stat(
        "Applications (1 h)",
        Query(_APPLICATIONS, interval=BUSINESS),
        "none",
        width=6,
        spec="campaign.application_rate",
        description="Applications to the selected campaigns in the last hour.",
        no_value=_NO_APPLICATION,
        decimals=0,
    ),
    stat(
        "Payment success rate (1 h)",
        Query("influencegen:payment_processing_success_rate:percent_1h", interval=BUSINESS),
        "percent",
        width=6,
        spec="payment.processing.success_rate",
        description="Share of the payments completed in the last hour that succeeded. Failed payments can be retried "
        "in Odoo.",
        no_value="No payments completed in the last hour.",
        decimals=0,
        alerts=("PaymentSuccessRateLow",),
    ),
    stat(
        "AI images (24 h)",
        Query("influencegen:ai_image_generation_daily_volume:increase_1d", interval=BUSINESS),
        "none",
        width=6,
        spec="ai.image_generation.daily_volume",
        description="AI images requested in the last 24 hours.",
        no_value="No AI images requested yet.",
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
                "registered",
                BUSINESS,
                GOOD,
            ),
            Query(f"{_PER_HOUR}:avg_1d", "attempts, 24-hour average", BUSINESS, GREY),
        ],
        "none",
        width=12,
        spec="influencer.onboarding.registrations_per_hour",
        description="Registration attempts, and attempts that succeeded, over the preceding hour. The upper threshold "
        "applies to attempts, the lower one to their 24-hour average.",
        no_value=_NO_ATTEMPT,
        alerts=("RegistrationsLow", "RegistrationsHigh"),
        links={"Onboarding": "onboarding-funnel"},
    ),
    bar_gauge(
        "Applications by campaign (1 h)",
        [
            Query(
                'topk(5, 3600 * influencegen:campaign_application_rate:rate_1h{campaign_id=~"$campaign"})',
                "campaign {{campaign_id}}",
                BUSINESS,
            ),
        ],
        "none",
        spec="campaign.application_rate",
        decimals=0,
        description="Applications in the last hour for the top five of the selected campaigns, by Odoo campaign ID.",
        no_value=_NO_APPLICATION,
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
        description="Payment attempts, and their results, over the preceding hour. If many fail, ask the payment "
        "provider.",
        no_value="No payments yet.",
        runbooks=("PaymentSuccessRateLow",),
    ),
    time_series(
        "Campaign activity per hour",
        [
            Query(_APPLICATIONS, "applications", BUSINESS),
            Query(
                '3600 * sum(influencegen:campaign_content_submission_rate:rate_1h{campaign_id=~"$campaign"})',
                "content submissions",
                BUSINESS,
            ),
        ],
        "none",
        width=12,
        spec="campaign.application_rate, campaign.content.submission_rate",
        description="Applications and content submissions of the selected campaigns, over the preceding hour. If no "
        "content follows the applications, ask the influencers of that campaign.",
        no_value=_NO_APPLICATION,
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
        description=f"{_LAST_90_DAYS} Login days start at midnight UTC.",
        no_value=_NO_DAY,
    ),
    time_series(
        "Registrations and applications per day",
        [
            Query(
                "sum(sum_over_time(tier:influencer_registration_success:increase[$__interval]))",
                "registered",
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
        spec="influencer.registration.success_rate, campaign.application_rate",
        description=f"Successful registrations, and applications to the selected campaigns. {_LAST_90_DAYS}",
        no_value=_NO_DAY,
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
        description=f"Payment attempts that succeeded and failed, one bar per day. {_LAST_90_DAYS}",
        no_value=_NO_DAY,
    ),
)

PAGE = Page(
    uid="business-operations-overview",
    title="Business Operations Overview",
    audience="Business Stakeholders, Platform Management",
    summary="Growth of the business: registrations, campaigns, payments and AI images.",
    refresh="5m",
    time_range="24h",
    team="business",
    services=SERVICES,
    variables=(variables.long_term, variables.campaign),
    rows={"Overview": _OVERVIEW, "Current activity": _CURRENT, "90-day trend": _TREND},
)
