from dataclasses import asdict
from itertools import islice

from odoo.exceptions import UserError, ValidationError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import CustomerPortal

from .. import intake
from ..models.kyc import DOCUMENT_MAX_BYTES
from ..refusal import Refusal

HOME = "/my/influencegen"
MAX_VALUE = 8000  # characters of a value that a session holds until its form is shown again
MAX_VALUES = 10
MAX_FORM = 64 * 1024  # bytes
MAX_TYPE = 50  # characters


def _max_document(_controller):
    """Return the size limit of the document form: larger only for multipart, whose files are written to the disk."""
    return MAX_FORM + (DOCUMENT_MAX_BYTES if request.httprequest.mimetype == "multipart/form-data" else 0)


class InfluencerPortal(CustomerPortal):
    """What influencers see of themselves, and the upload of their identity document."""

    def _influencer(self):
        """Return the influencer of the user who asks, with this user's rights, or none."""
        influencers = request.env["influencegen.influencer"]
        return influencers.sudo().search([("user_id", "=", request.env.uid)], limit=1).with_env(request.env)

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        return values | {name: self._count_own(*own) for name, own in self._counters().items() if name in counters}

    def _counters(self):
        """Return {counter of the portal's home: (model, domain of the influencer's records that it counts)}."""
        return {"influencegen_document_count": ("influencegen.kyc", [("state", "=", "awaiting_document")])}

    def _count_own(self, model, domain):
        """Return how many records of `model` in `domain` are of the influencer who asks."""
        records = request.env[model]
        own = [("influencer_id.user_id", "=", request.env.uid), *domain]
        return records.search_count(own) if records.has_access("read") else 0

    def _prepare_influencer_values(self, influencer):
        """Return the values of the page `/my/influencegen`."""
        checks = request.env["influencegen.kyc"]
        return {
            **self._prepare_portal_layout_values(),
            "page_name": "influencegen",
            "influencer": influencer,
            "kyc": influencer.sudo().kyc_ids[:1],
            "document_types": checks._fields["document_type"]._description_selection(request.env),
            "document_limits": {
                "data-max-bytes": DOCUMENT_MAX_BYTES,
                "data-too-large": checks._too_large("%s"),
                "data-wrong-type": checks._wrong_type("%s"),
                "data-failed": request.env._(
                    "The document was not uploaded. Check your connection, reload the page and try again."
                ),
            },
            "refusal": Refusal(**request.session.pop("influencegen_refusal", {})),
            "done": request.session.pop("influencegen_done", None),
        }

    def _render_not_registered(self):
        """Return the page for users who are not influencers; the registration form does not accept their addresses."""
        return request.render(
            "influencegen.not_registered", {**self._prepare_portal_layout_values(), "influencer": None}
        )

    @route(HOME, type="http", auth="user", methods=["GET"], website=True, max_content_length=intake.MAX_PAGE)
    def influencer_home(self):
        influencer = self._influencer()
        if not influencer:
            return self._render_not_registered()
        return request.render("influencegen.portal_home", self._prepare_influencer_values(influencer))

    @route(
        f"{HOME}/kyc",
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
                raise UserError(request.env._("No document is missing: yours has already been submitted."))
            content = document.read(DOCUMENT_MAX_BYTES + 1) if document else b""
            kyc.sudo()._submit_document(document_type, (document and document.filename) or "", content)
            return {"state": kyc.state}

        return self._answer("kyc", submit, request.env._("Your document has been uploaded."))

    def _answer(self, form, work, done):
        """Do the `work` of a form, and send the browser back to the page, or JSON to a client that accepts it.

        A script that sends the form for the page gets the address to go on to, as {"location": address}.

        :param form: id of the form in the page, in which a refusal is shown
        :param work: function that returns the JSON object; a UserError or ValidationError from it undoes it
        :param done: what the page shows on success
        """
        by_script = request.httprequest.headers.get("X-Requested-With") == "XMLHttpRequest"
        wants_json = request.httprequest.accept_mimetypes.best == "application/json" and not by_script
        try:
            result = work()
        except (UserError, ValidationError) as error:
            request.env.cr.rollback()
            if wants_json:
                return request.make_json_response({"error": error.args[0]}, status=400)
            sent = islice(request.httprequest.form.items(), MAX_VALUES)
            values = {name[:MAX_VALUE]: value for name, value in sent if len(value) <= MAX_VALUE}
            request.session["influencegen_refusal"] = asdict(Refusal.of(form, error, values))
        else:
            if wants_json:
                return request.make_json_response(result)
            request.session["influencegen_done"] = done
        return request.make_json_response({"location": HOME}) if by_script else request.redirect(HOME)
