from dataclasses import asdict
from itertools import islice

from odoo.exceptions import UserError, ValidationError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import CustomerPortal

from .. import intake
from ..models.kyc import DOCUMENT_MAX_BYTES
from ..refusal import Refusal

KEPT = 2000  # characters of a value that a session keeps until its form is shown again
KEPT_VALUES = 10
MAX_FORM = 64 * 1024  # bytes
MAX_TYPE = 50  # characters


def _max_document(_controller):
    """Return how many bytes the form with the document may have: it is large only as a file, which goes to the disk."""
    return MAX_FORM + (DOCUMENT_MAX_BYTES if request.httprequest.mimetype == "multipart/form-data" else 0)


class InfluencerPortal(CustomerPortal):
    """What an influencer sees of itself, and the upload of its identity document."""

    def _influencer(self):
        """Return the influencer of the user who asks, with this user's rights, or none."""
        influencers = request.env["influencegen.influencer"]
        return influencers.sudo().search([("user_id", "=", request.env.uid)], limit=1).with_env(request.env)

    def _prepare_influencer_values(self, influencer):
        """Return the values of the page `/my/influencegen`."""
        return {
            **self._prepare_portal_layout_values(),
            "page_name": "influencegen",
            "influencer": influencer,
            "kyc": influencer.sudo().kyc_ids[:1],
            "document_types": request.env["influencegen.kyc"]
            ._fields["document_type"]
            ._description_selection(request.env),
            "refusal": Refusal(**request.session.pop("influencegen_refusal", {})),
            "done": request.session.pop("influencegen_done", None),
        }

    @route(
        "/my/influencegen", type="http", auth="user", methods=["GET"], website=True, max_content_length=intake.MAX_PAGE
    )
    def influencer_home(self):
        influencer = self._influencer()
        if not influencer:
            return request.redirect("/influencegen/register")
        return request.render("influencegen.portal_home", self._prepare_influencer_values(influencer))

    @route(
        "/my/influencegen/kyc",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        max_content_length=_max_document,
    )
    def influencer_kyc(self, **kwargs):
        def submit():
            document_type = intake.form(document_type=MAX_TYPE)["document_type"]
            document = request.httprequest.files.get("document")
            kyc = request.env["influencegen.kyc"].search(
                [("influencer_id.user_id", "=", request.env.uid), ("state", "=", "awaiting_document")], limit=1
            )
            if not kyc:
                raise UserError(request.env._("No document is asked for."))
            content = document.read(DOCUMENT_MAX_BYTES + 1) if document else b""
            kyc.sudo()._submit_document(document_type, (document and document.filename) or "", content)
            return {"state": kyc.state}

        return self._answer("kyc", submit, request.env._("Your document has arrived."))

    def _answer(self, form, work, done):
        """Do the `work` of a form, and send the browser back to the page, or JSON to who accepts it.

        :param form: identity of the form in the page, for what was refused to be shown in it
        :param work: function that returns the JSON object; a UserError or ValidationError from it undoes it
        :param done: what the page then says, if it went well
        """
        wants_json = request.httprequest.accept_mimetypes.best == "application/json"
        try:
            result = work()
        except (UserError, ValidationError) as error:
            request.env.cr.rollback()
            if wants_json:
                return request.make_json_response({"error": error.args[0]}, status=400)
            sent = islice(request.httprequest.form.items(), KEPT_VALUES)
            values = {name[:KEPT]: value for name, value in sent if len(value) <= KEPT}
            request.session["influencegen_refusal"] = asdict(Refusal.of(form, error, values))
        else:
            if wants_json:
                return request.make_json_response(result)
            request.session["influencegen_done"] = done
        return request.redirect("/my/influencegen")
