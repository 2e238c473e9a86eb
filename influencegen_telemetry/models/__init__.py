from . import (
    api,
    custom_metric,
    image,
    influencer,
    kyc,
    ledger,
    metric,
    overview,
    reading,
    res_config_settings,
    settings,
)
