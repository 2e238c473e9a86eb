from . import api, image, influencer, kyc, ledger, metric, overview, own_metric, reading, res_config_settings, settings
