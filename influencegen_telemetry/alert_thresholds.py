"""Thresholds of the alerts on tiles of the overview: `make rules` takes them from prometheus/thresholds/."""

THRESHOLDS = {
    "KycServiceSlow": {"above_seconds": 5, "minimum_calls": 5},
    "KycServiceErrors": {"above_percent": 10, "minimum_calls": 20},
    "AiImageGenerationP95High": {"above_seconds": 30},
    "AiImageGenerationP90High": {"above_seconds": 20},
    "AiImageSuccessRateLow": {"below_percent": 95, "minimum_images": 20},
    "AiImagesPending": {"above": 50},
    "AiImageVolumeHigh": {"above_per_day": 10000},
    "AiImageVolumeLow": {"below_per_day": 5000},
    "RegistrationSuccessRateLow": {"below_percent": 80},
    "RegistrationsHigh": {"above_per_hour": 100},
    "RegistrationsLow": {"below_per_hour": 50},
    "KycApprovalRateLow": {"below_percent": 85, "minimum_decisions": 20},
    "KycManualReviewSlow": {"above_hours": 24},
    "KycQueueOld": {"above_hours": 24},
    "PaymentSuccessRateLow": {"below_percent": 90, "minimum_payments": 20},
    "BackupJobFailed": {"below_percent": 100},
    "BackupMissing": {"above_schedules": 1.5},
    "BackupAttachmentsUnlisted": {"above": 0},
}
