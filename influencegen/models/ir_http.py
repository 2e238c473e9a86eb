from werkzeug.exceptions import RequestEntityTooLarge

from odoo import models
from odoo.http import request

from .. import intake


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Check the form of a route that limits its body, before Odoo and the endpoint make use of it."""
        super()._pre_dispatch(rule, args)
        if "max_content_length" in rule.endpoint.routing:
            intake.check_form(request.httprequest)

    @classmethod
    def _post_dispatch(cls, response):
        super()._post_dispatch(response)
        intake.discard(request.httprequest)

    @classmethod
    def _serve_fallback(cls):
        """Skip the lookup of an attachment if the path has characters that PostgreSQL can't store."""
        return super()._serve_fallback() if intake.is_text(request.httprequest.path) else None

    @classmethod
    def _handle_error(cls, exception):
        intake.discard(request.httprequest)
        if isinstance(exception, RequestEntityTooLarge):
            # 18.0 has no page for it, and a page would parse the form again
            return request.dispatcher.handle_error(exception)
        return super()._handle_error(exception)
