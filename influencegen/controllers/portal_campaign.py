from odoo.exceptions import UserError
from odoo.http import request, route

from .portal import InfluencerPortal

LAST_IMAGES = 12


class CampaignPortal(InfluencerPortal):
    """An influencer's work: campaigns, applications, contents, and AI images."""

    def _prepare_influencer_values(self, influencer):
        applications = request.env["influencegen.application"].search([("influencer_id", "=", influencer.id)])
        return {
            **super()._prepare_influencer_values(influencer),
            "applications": applications.sudo(),
            "campaigns": request.env["influencegen.campaign"].search([
                ("id", "not in", applications.sudo().campaign_id.ids),
            ]),
            "payments": request.env["influencegen.payment"].search([]),
            "images": request.env["influencegen.image"].search([], limit=LAST_IMAGES),
            "image_models": request.env["influencegen.image.model"].search([]),
        }

    @route("/my/influencegen/campaigns/<int:campaign_id>/apply", type="http", auth="user", methods=["POST"],
           website=True)
    def campaign_apply(self, campaign_id, message="", **kwargs):
        def apply():
            application = self._open_campaign(campaign_id).sudo()._apply(self._influencer().sudo(), message)
            return {"id": application.id, "state": application.state}

        return self._answer(f"application_{campaign_id}", apply, request.env._("Your application was sent."))

    @route("/my/influencegen/applications/<int:application_id>/content", type="http", auth="user", methods=["POST"],
           website=True)
    def application_content(self, application_id, url="", caption="", **kwargs):
        def submit():
            application = request.env["influencegen.application"].search([("id", "=", application_id)])
            if not application:
                raise UserError(request.env._("There is no such application."))
            content = application.sudo()._submit_content(url, caption)
            return {"id": content.id, "state": content.state}

        return self._answer(f"content_{application_id}", submit, request.env._("Your content was submitted."))

    @route("/my/influencegen/images", type="http", auth="user", methods=["POST"], website=True)
    def image_request(self, model="", prompt="", campaign_id="", **kwargs):
        def ask():
            campaign = self._open_campaign(int(campaign_id) if campaign_id.isdecimal() else 0) if campaign_id else None
            image = request.env["influencegen.image"]._request(model, prompt, campaign=campaign)
            return {"request_id": image.uuid, "state": image.state}

        return self._answer(
            "image", ask, request.env._("Your image is being made. It will show here under AI images.")
        )

    def _open_campaign(self, campaign_id):
        campaign = request.env["influencegen.campaign"].search([("id", "=", campaign_id)])
        if not campaign:
            raise UserError(request.env._("There is no such open campaign."))
        return campaign
