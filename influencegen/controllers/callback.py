import logging

from werkzeug.exceptions import HTTPException

from odoo import http
from odoo.http import request

from .. import intake, signing
from ..models.image import CallbackError

MAX_BODY = 8 * 1024 * 1024

_logger = logging.getLogger(__name__)


class ImageCallback(http.Controller):
    """Where n8n delivers the images."""

    @http.route(
        "/influencegen/image/callback", type="intake", auth="public", methods=["POST"], csrf=False, save_session=False
    )
    def callback(self):
        """Take a signed result; answers JSON with a status, or with an error that says why it was refused."""
        images = request.env["influencegen.image"].sudo()
        try:
            body = intake.read(MAX_BODY)
            signature = signing.verify(images._parameter("webhook_secret"), body, request.httprequest.headers)
            status = images._receive(intake.parse(body), signature)
        except HTTPException as error:
            return _refuse(error.code, error.description)
        except signing.BadSignature as error:
            return _refuse(401, str(error))
        except CallbackError as error:
            return _refuse(error.status, error.reason)
        return request.make_json_response({"status": status})


def _refuse(status, reason):
    _logger.warning("Image callback refused (%s): %s", status, reason)
    return request.make_json_response({"status": "refused", "error": reason}, status=status)
