"""Business Operations Overview: does the business grow, and does anything hold it up?"""

from . import variables
from .frame import Page
from .palette import CRITICAL, GOOD
from .panels import bars, figure, series
from .queries import BUSINESS, LONG_TERM, Query

_DAY = "1d"
_PER_HOUR = "influencegen:influencer_onboarding_registrations_per_hour"
_LATER = "A day is shown when it is over, and the first is not."
_UNSCRAPED = "Odoo is not scraped: ask the administrators to look at the telemetry dashboard."

_FIRST = (
    figure(
        "Registrations (1 h)",
        Query(f"{_PER_HOUR}:increase_1h", every=BUSINESS),
        "none",
        spec="influencer.onboarding.registrations_per_hour",
        says="How often somebody sent the registration form. The colour tells whether that is what was planned.",
        empty="Nobody has tried to register since counting began.",
        decimals=0,
        alerts=("RegistrationsLow", "RegistrationsHigh"),
        more={"Onboarding": "onboarding-funnel"},
    ),
    figure(
        "Registrations OK",
        Query("influencegen:influencer_registration_success_rate:percent_1h", every=BUSINESS),
        "percent",
        spec="influencer.registration.success_rate",
        says="Of the forms sent in the last hour, how many were accepted. Low: people make the same mistake, or "
        "machines fill the form.",
        empty="Nobody has tried to register in the last hour.",
        decimals=0,
        alerts=("RegistrationSuccessRateLow",),
        more={"Onboarding": "onboarding-funnel"},
    ),
    figure(
        "KYC approved",
        Query("influencegen:influencer_onboarding_kyc_approval_rate:percent_1d", every=BUSINESS),
        "percent",
        spec="influencer.onboarding.kyc_approval_rate",
        says="Of the KYC checks decided in the last 24 hours, how many were approved. Low: look which kind of "
        "check rejects.",
        empty="No KYC check was decided in the last 24 hours.",
        decimals=0,
        alerts=("KycApprovalRateLow",),
        more={"Onboarding": "onboarding-funnel"},
    ),
    figure(
        "Active influencers",
        Query("influencegen:influencer_active_count_total:max", every=BUSINESS),
        "none",
        spec="influencer.active_count_total",
        says="Influencers in state active, as Odoo's list shows them. The first goal is 10,000.",
        empty=_UNSCRAPED,
        decimals=0,
    ),
    figure(
        "Payments OK",
        Query("influencegen:payment_processing_success_rate:percent_1h", every=BUSINESS),
        "percent",
        spec="payment.processing.success_rate",
        says="Of the payments that came to an end in the last hour, how many were paid. Those that failed wait in "
        "Odoo to be tried again.",
        empty="No payment came to an end in the last hour.",
        decimals=0,
        alerts=("PaymentSuccessRateLow",),
    ),
    figure(
        "Images (24 h)",
        Query("influencegen:ai_image_generation_daily_volume:increase_1d", every=BUSINESS),
        "none",
        spec="ai.image_generation.daily_volume",
        says="AI images that influencers asked for.",
        empty="No image was asked for since counting began.",
        decimals=0,
        alerts=("AiImageVolumeLow", "AiImageVolumeHigh"),
        more={"Images": "ai-image-generation-service-kpis"},
    ),
)

_NOW = (
    series(
        "How many people register?",
        [
            Query(f"{_PER_HOUR}:increase_1h", "forms sent in the hour before", BUSINESS),
            Query(
                "sum(max without (instance) (increase(influencer_registration_success_total[1h])))",
                "accepted in the hour before",
                BUSINESS,
                GOOD,
            ),
        ],
        "none",
        width=12,
        spec="influencer.onboarding.registrations_per_hour",
        says="Registration forms in the hour before each moment. The limits are what was planned.",
        empty="Nobody has tried to register since counting began.",
        alerts=("RegistrationsLow", "RegistrationsHigh"),
        more={"Onboarding": "onboarding-funnel"},
    ),
    bars(
        "Which campaigns do influencers apply to?",
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
        says="Applications in the last hour, of the eight campaigns with the most, by the number that a campaign has "
        "in Odoo. One that is not here got none.",
        empty="Nobody has applied since counting began.",
    ),
    series(
        "Do influencers get their money?",
        [
            Query(
                "sum(max without (instance) (increase(payment_processing_attempts_total[1h])))",
                "tried in the hour before",
                BUSINESS,
            ),
            Query(
                "sum(max without (instance) (increase(payment_processing_success_total[1h])))",
                "paid in the hour before",
                BUSINESS,
                GOOD,
            ),
            Query(
                "sum(max without (instance) (increase(payment_processing_failures_total[1h])))",
                "failed in the hour before",
                BUSINESS,
                CRITICAL,
            ),
        ],
        "none",
        width=12,
        spec="payment.processing.success_rate, payment.processing.attempts_rate",
        says="Payments that came to an end in the hour before each moment. If many fail, ask the payment provider.",
        empty="No payment was made since counting began.",
        runbooks=("PaymentSuccessRateLow",),
    ),
    series(
        "Do campaigns live?",
        [
            Query(
                '3600 * sum(influencegen:campaign_application_rate:rate_1h{campaign_id=~"$campaign"})',
                "applications",
                BUSINESS,
            ),
            Query(
                '3600 * sum(influencegen:campaign_content_submission_rate:rate_1h{campaign_id=~"$campaign"})',
                "content handed in",
                BUSINESS,
            ),
        ],
        "none",
        width=12,
        spec="campaign.application_rate, campaign.content.submission_rate",
        says="In the hour before each moment, of all campaigns that are chosen. Applications without content after "
        "them: ask the influencers of that campaign.",
        empty="Nobody has applied since counting began.",
    ),
)

_MONTHS = (
    series(
        "How many influencers are active?",
        [
            Query("sum(avg_over_time(tier:influencer_active:avg[$__interval]))", "active", _DAY, source=LONG_TERM),
            Query(
                'sum(max_over_time(tier:user_logins_daily_active_influencers:avg{user_role="influencer"}[$__interval]))',
                "logged in that day",
                _DAY,
                source=LONG_TERM,
            ),
        ],
        "none",
        since="90d",
        step=_DAY,
        spec="influencer.active_count_total, user.logins.daily_active_influencers",
        says="Over 90 days, whatever time the page shows. Who logged in is counted anew from midnight UTC.",
        empty=_LATER,
    ),
    series(
        "How many register and apply a day?",
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
        since="90d",
        step=_DAY,
        spec="influencer.registration.attempts_rate, campaign.application_rate",
        says="Over 90 days, whatever time the page shows.",
        empty=_LATER,
    ),
    series(
        "How many payments a day?",
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
        since="90d",
        step=_DAY,
        spec="payment.processing.attempts_rate",
        says="Each bar is a day. It shows 90 days whatever time the page shows.",
        empty=_LATER,
    ),
)

PAGE = Page(
    uid="business-operations-overview",
    title="Business Operations Overview",
    audience="Business Stakeholders, Platform Management",
    answers="Does the business grow, and does anything hold it up?",
    refresh="5m",
    shows="24h",
    team="business",
    choices=(variables.long_term, variables.campaign),
    rows={"Is it all right?": _FIRST, "What happens today?": _NOW, "How has it become over the last 90 days?": _MONTHS},
)
