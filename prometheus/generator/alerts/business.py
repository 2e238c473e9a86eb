"""Alerts about registrations, KYC and payments."""

from ..rules import Alert
from .parts import ONE, WHOLE

_PER_HOUR = "influencegen:influencer_onboarding_registrations_per_hour"

ALERTS = (
    Alert(
        name="RegistrationSuccessRateLow",
        severity="warning",
        team="business",
        subject="registrations",
        tile="registrations",
        expr="influencegen:influencer_registration_success_rate:percent_1h < <below_percent>",
        summary="Registration success rate below <below_percent>%",
        description=f"{ONE}% of the registration attempts of the last hour succeeded; the threshold is "
        f"<below_percent>%.",
        dashboard="onboarding-funnel",
    ),
    Alert(
        name="RegistrationsHigh",
        severity="warning",
        team="business",
        subject="registrations",
        tile="registrations",
        expr=f"{_PER_HOUR}:increase_1h > <above_per_hour>",
        summary="More than <above_per_hour> registration attempts per hour",
        description=f"There were {WHOLE} registration attempts in the last hour; the threshold is <above_per_hour>.",
        dashboard="onboarding-funnel",
        keep_firing_for="30m",
    ),
    # over a day: nights are quiet
    Alert(
        name="RegistrationsLow",
        severity="warning",
        team="business",
        subject="registrations",
        tile="registrations",
        expr=f"{_PER_HOUR}:avg_1d < <below_per_hour> and {_PER_HOUR}:avg_1d offset 1d > 0",
        summary="Fewer than <below_per_hour> registration attempts per hour",
        description=f"There were {WHOLE} registration attempts per hour on average over the last day; the threshold "
        "is <below_per_hour>.",
        dashboard="onboarding-funnel",
        keep_firing_for="1h",
    ),
    Alert(
        name="KycApprovalRateLow",
        severity="warning",
        team="business",
        subject="kyc",
        tile="funnel",
        expr="influencegen:influencer_onboarding_kyc_approval_rate:percent_1d < <below_percent> and on () "
        "influencegen:influencer_kyc_verifications:increase_1d >= <minimum_decisions>",
        summary="KYC approval rate below <below_percent>%",
        description=f"{ONE}% of the KYC verifications of the last day were approved; the threshold is "
        f"<below_percent>%.",
        dashboard="onboarding-funnel",
        keep_firing_for="1h",
    ),
    Alert(
        name="KycManualReviewSlow",
        severity="warning",
        team="business",
        subject="kyc",
        tile="funnel",
        expr="influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d > <above_hours>",
        summary="Mean time of manual KYC reviews above <above_hours>",
        description=f"Manual KYC reviews took {ONE} hours on average over the last day; the threshold is "
        "<above_hours>.",
        dashboard="onboarding-funnel",
        keep_firing_for="1h",
    ),
    Alert(
        name="KycQueueOld",
        severity="warning",
        team="business",
        subject="kyc",
        tile="funnel",
        expr="max by (state) (influencer_kyc_queue_oldest_age_seconds) / 3600 > <above_hours>",
        summary="KYC submission waiting for more than <above_hours>",
        description=f"The oldest KYC submission in the state {{{{ $labels.state }}}} has been waiting for {ONE} "
        "hours; the threshold is <above_hours>.",
        dashboard="onboarding-funnel",
    ),
    Alert(
        name="PaymentSuccessRateLow",
        severity="warning",
        team="business",
        subject="payments",
        tile="payments",
        expr="influencegen:payment_processing_success_rate:percent_1h < <below_percent> and on () "
        "influencegen:payment_processing_ended:increase_1h >= <minimum_payments>",
        summary="Payment success rate below <below_percent>%",
        description=f"{ONE}% of the payments that ended in the last hour succeeded; the threshold is <below_percent>%.",
        dashboard="business-operations-overview",
        keep_firing_for="15m",
    ),
)
