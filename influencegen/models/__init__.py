from . import guarded

# isort: split
from . import stateful

# isort: split
from . import (
    api,
    application,
    campaign,
    content,
    image,
    image_model,
    image_request,
    influencer,
    ir_attachment,
    ir_http,
    kyc,
    mail_message,
    payment,
    payment_attempt,
    res_config_settings,
    throttle,
)
