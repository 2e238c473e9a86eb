from werkzeug.exceptions import TooManyRequests

from odoo.exceptions import ValidationError
from odoo.http import Controller, request, route

from .. import intake
from ..models.throttle import client
from ..refusal import Refusal

MAX_BODY = 64 * 1024  # bytes
HANDLES_ASKED = 3


class Registration(Controller):
    """Where influencers sign up: a form for people, JSON for other systems.

    What is answered is the same whether or not the address has an account; the e-mail informs its owner.
    """

    @route(
        "/influencegen/register",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        max_content_length=intake.MAX_PAGE,
    )
    def form(self):
        return self._render_form(Refusal(), [])

    @route(
        "/influencegen/register",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        max_content_length=MAX_BODY,
    )
    def submit(self, **form):
        posted = request.httprequest.form
        handles = [
            {"platform": platform, "handle": handle}
            for platform, handle in zip(posted.getlist("platform"), posted.getlist("handle"), strict=False)
            if handle
        ]
        wait = self._wait()
        if wait:
            reason = request.env._("There were too many registrations. Try again in %s min.", -(-wait // 60))
            response = self._render_form(Refusal("registration", reason, values=form), handles, 429)
            response.headers["Retry-After"] = str(wait)
            return response
        try:
            self._register({**form, "consent": bool(form.get("consent")), "handles": handles}, source="portal")
        except ValidationError as error:
            request.env.cr.rollback()
            return self._render_form(Refusal.of("registration", error, form), handles, 400)
        return request.render("influencegen.registration_done", {"email": form["email"]})

    @route("/influencegen/api/register", type="intake", auth="public", methods=["POST"], csrf=False, save_session=False)
    def submit_json(self):
        values = intake.parse(intake.read(MAX_BODY))
        if wait := self._wait():
            raise TooManyRequests("There were too many registrations.", retry_after=wait)
        self._register(values, source="api")
        return request.make_json_response({"state": "received"}, status=202)

    def _wait(self):
        """Return 0 if the client may register now, which is noted, or the seconds that it has to wait."""
        influencers = request.env["influencegen.influencer"].sudo()
        return influencers._wait_to_register(client(request.httprequest.remote_addr))

    def _register(self, values, source):
        request.env["influencegen.influencer"].sudo()._sign_up(values, source)

    def _render_form(self, refusal, handles, status=200):
        platform = request.env["influencegen.handle"]._fields["platform"]
        rows = handles[:HANDLES_ASKED] + [{"platform": None, "handle": ""}] * (HANDLES_ASKED - len(handles))
        return request.render(
            "influencegen.registration",
            {
                "refusal": refusal,
                "handles": rows,
                "platforms": platform._description_selection(request.env),
            },
            status=status,
        )
