import json

from odoo.exceptions import ValidationError
from odoo.http import Controller, request, route

from ..refusal import Refusal

MAX_BODY = 64 * 1024  # bytes
HANDLES_ASKED = 3


class Registration(Controller):
    """Where influencers sign up: a form for people, JSON for other systems."""

    @route("/influencegen/register", type="http", auth="public", methods=["GET"], website=True)
    def form(self):
        return self._render_form(Refusal(), [])

    @route("/influencegen/register", type="http", auth="public", methods=["POST"], website=True)
    def submit(self, **form):
        posted = request.httprequest.form
        handles = [
            {"platform": platform, "handle": handle}
            for platform, handle in zip(posted.getlist("platform"), posted.getlist("handle"), strict=False)
            if handle
        ]
        try:
            influencer = self._register(
                {**form, "consent": bool(form.get("consent")), "handles": handles}, source="portal"
            )
        except ValidationError as error:
            request.env.cr.rollback()
            return self._render_form(Refusal.of("registration", error, form), handles)
        return request.render("influencegen.registration_done", {"influencer": influencer})

    @route("/influencegen/api/register", type="http", auth="public", methods=["POST"], csrf=False, save_session=False)
    def submit_json(self):
        if (request.httprequest.content_length or 0) > MAX_BODY:
            return self._refuse(request.env._("The request is too large."), 413)
        try:
            values = json.loads(request.httprequest.get_data())
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return self._refuse(request.env._("The body must be a JSON object."))
        try:
            influencer = self._register(values, source="api")
        except ValidationError as error:
            request.env.cr.rollback()
            return self._refuse(error.args[0])
        return request.make_json_response({"id": influencer.id, "state": influencer.state}, status=201)

    def _register(self, values, source):
        return request.env["influencegen.influencer"].sudo()._sign_up(values, source)

    def _refuse(self, reason, status=400):
        return request.make_json_response({"error": reason}, status=status)

    def _render_form(self, refusal, handles):
        platform = request.env["influencegen.handle"]._fields["platform"]
        rows = handles + [{"platform": None, "handle": ""}] * (HANDLES_ASKED - len(handles))
        return request.render(
            "influencegen.registration",
            {
                "refusal": refusal,
                "handles": rows,
                "platforms": platform._description_selection(request.env),
            },
            status=400 if refusal.form else 200,
        )
