import logging

from odoo import http
from odoo.http import request

from .. import signing
from ..models.image import CallbackError

MAX_BODY = 8 * 1024 * 1024

_logger = logging.getLogger(__name__)


class ImageCallback(http.Controller):
    """Where n8n delivers the images."""

    @http.route("/influencegen/image/callback", type="http", auth="public", methods=["POST"], csrf=False)
    def callback(self):
        """Take a signed result; answers JSON with a status, or with an error that says why it was refused."""
        if (request.httprequest.content_length or 0) > MAX_BODY:
            return _refuse(413, f"The body is larger than {MAX_BODY} bytes.")
        body = request.httprequest.get_data()
        images = request.env["influencegen.image"].sudo()
        try:
            signature = signing.verify(images._parameter("webhook_secret"), body, request.httprequest.headers)
            payload = request.get_json_data()
            status = images._receive(payload, signature)
        except signing.BadSignature as error:
            return _refuse(401, str(error))
        except CallbackError as error:
            return _refuse(error.status, error.reason)
        except ValueError:
            return _refuse(400, "The body is not JSON.")
        return request.make_json_response({"status": status})


def _refuse(status, reason):
    _logger.warning("Image callback refused (%s): %s", status, reason)
    return request.make_json_response({"status": "refused", "error": reason}, status=status)
