from odoo.exceptions import UserError
from odoo.http import request, route

from .. import intake
from ..models.image import MAX_CODE, MAX_PROMPT
from .portal import MAX_FORM, InfluencerPortal

LAST_IMAGES = 12
MAX_ID = 2**31 - 1
MAX_TEXT = 4000  # characters
MAX_URL = 2000


class CampaignPortal(InfluencerPortal):
    """An influencer's work: campaigns, applications, contents, and AI images."""

    def _prepare_influencer_values(self, influencer):
        applications = request.env["influencegen.application"].search([("influencer_id", "=", influencer.id)])
        return {
            **super()._prepare_influencer_values(influencer),
            "applications": applications.sudo(),
            "campaigns": request.env["influencegen.campaign"].search(
                [
                    ("id", "not in", applications.sudo().campaign_id.ids),
                ]
            ),
            "payments": request.env["influencegen.payment"].search([]),
            "images": request.env["influencegen.image"].search([], limit=LAST_IMAGES),
            "image_models": request.env["influencegen.image.model"].search([]),
        }

    @route(
        "/my/influencegen/campaigns/<int:campaign_id>/apply",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        max_content_length=MAX_FORM,
    )
    def campaign_apply(self, campaign_id, **kwargs):
        def apply():
            form = intake.form(message=MAX_TEXT)
            application = self._open_campaign(campaign_id).sudo()._apply(self._influencer().sudo(), **form)
            return {"id": application.id, "state": application.state}

        return self._answer(f"application_{campaign_id}", apply, request.env._("Your application was sent."))

    @route(
        "/my/influencegen/applications/<int:application_id>/content",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        max_content_length=MAX_FORM,
    )
    def application_content(self, application_id, **kwargs):
        def submit():
            form = intake.form(url=MAX_URL, caption=MAX_TEXT)
            application = self._visible("influencegen.application", application_id)
            if not application:
                raise UserError(request.env._("There is no such application."))
            content = application.sudo()._submit_content(**form)
            return {"id": content.id, "state": content.state}

        return self._answer(f"content_{application_id}", submit, request.env._("Your content was submitted."))

    @route(
        "/my/influencegen/images", type="http", auth="user", methods=["POST"], website=True, max_content_length=MAX_FORM
    )
    def image_request(self, **kwargs):
        def ask():
            form = intake.form(model=MAX_CODE, prompt=MAX_PROMPT, campaign_id=10)
            wanted = form["campaign_id"]
            campaign = self._open_campaign(int(wanted) if wanted.isdecimal() else 0) if wanted else None
            image = request.env["influencegen.image"]._request(form["model"], form["prompt"], campaign=campaign)
            return {"request_id": image.uuid, "state": image.state}

        return self._answer("image", ask, request.env._("Your image is being made. It will show here under AI images."))

    def _open_campaign(self, campaign_id):
        campaign = self._visible("influencegen.campaign", campaign_id)
        if not campaign:
            raise UserError(request.env._("There is no such open campaign."))
        return campaign

    def _visible(self, model, record_id):
        """Return the record of `model` with this id, if the user may see it; PostgreSQL has no larger ids."""
        return request.env[model].search([("id", "=", record_id)] if record_id <= MAX_ID else [("id", "=", 0)])
