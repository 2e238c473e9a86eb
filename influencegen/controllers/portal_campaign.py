from collections import Counter

from odoo.exceptions import UserError
from odoo.http import request, route

from odoo.addons.portal.controllers.portal import pager

from .. import intake
from ..models.image import MAX_CODE, MAX_PROMPT
from .portal import HOME, MAX_FORM, InfluencerPortal

LAST_IMAGES = 12
IMAGES_PER_PAGE = 24
MAX_ID = 2**31 - 1
MAX_TEXT = 4000  # characters
MAX_URL = 2000
CONTENT_DUE = [
    ("state", "=", "accepted"),
    ("content_ids", "not any", [("state", "!=", "rejected")]),
    ("influencer_id.state", "=", "active"),
]
"""Domain of an active influencer's applications that were accepted, with no content but rejected ones."""


class CampaignPortal(InfluencerPortal):
    """An influencer's work: campaigns, applications, content, payments and AI images."""

    def _counters(self):
        return {
            **super()._counters(),
            "influencegen_application_count": ("influencegen.application", []),
            "influencegen_content_due_count": ("influencegen.application", CONTENT_DUE),
            "influencegen_payment_count": ("influencegen.payment", []),
            "influencegen_image_count": ("influencegen.image", []),
        }

    def _prepare_influencer_values(self, influencer):
        own = [("influencer_id", "=", influencer.id)]
        applications = request.env["influencegen.application"].search(own).sudo()
        return {
            **super()._prepare_influencer_values(influencer),
            "applications": applications,
            "application_states": Counter(applications.mapped("state")),
            "content_due": applications.filtered_domain(CONTENT_DUE),
            "campaigns": request.env["influencegen.campaign"].search([("id", "not in", applications.campaign_id.ids)]),
            # the campaign of a payment may be closed, which influencers no longer see
            "payments": request.env["influencegen.payment"].search(own).sudo(),
            "amounts": self._amounts(own),
            "images": request.env["influencegen.image"].search(own, limit=LAST_IMAGES + 1),
            "last_images": LAST_IMAGES,
            "image_models": request.env["influencegen.image.model"].search([]),
        }

    def _amounts(self, own):
        """Return the sums of the payments in the domain `own`, as lists of (currency, amount) under paid and due."""
        amounts = {"paid": Counter(), "due": Counter()}
        for state, currency, amount in request.env["influencegen.payment"]._read_group(
            own, ["state", "currency_id"], ["amount:sum"]
        ):
            amounts["paid" if state == "paid" else "due"][currency] += amount
        return {name: list(sums.items()) for name, sums in amounts.items()}

    @route(
        [f"{HOME}/images", f"{HOME}/images/page/<int:page>"],
        type="http",
        auth="user",
        methods=["GET"],
        website=True,
        max_content_length=intake.MAX_PAGE,
    )
    def image_gallery(self, page=1):
        influencer = self._influencer()
        if not influencer:
            return self._render_not_registered()
        images, own = request.env["influencegen.image"], [("influencer_id", "=", influencer.id)]
        pages = pager(f"{HOME}/images", images.search_count(own), page=page, step=IMAGES_PER_PAGE)
        values = {
            **self._prepare_portal_layout_values(),
            "page_name": "influencegen_images",
            "images": images.search(own, limit=IMAGES_PER_PAGE, offset=pages["offset"]),
            "pager": pages,
        }
        return request.render("influencegen.portal_image_gallery", values)

    @route(
        f"{HOME}/campaigns/<int:campaign_id>/apply",
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

        return self._answer(
            f"application_{campaign_id}",
            apply,
            request.env._("Your application has been sent. The decision will appear here."),
        )

    @route(
        f"{HOME}/applications/<int:application_id>/content",
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
                raise UserError(request.env._("This application does not exist, or is not yours."))
            content = application.sudo()._submit_content(**form)
            return {"id": content.id, "state": content.state}

        return self._answer(
            f"content_{application_id}",
            submit,
            request.env._("Your content has been submitted. The result of the review will appear here."),
        )

    @route(f"{HOME}/images", type="http", auth="user", methods=["POST"], website=True, max_content_length=MAX_FORM)
    def image_request(self, **kwargs):
        def request_image():
            form = intake.form(model=MAX_CODE, prompt=MAX_PROMPT, campaign_id=10)
            wanted = form["campaign_id"]
            campaign = self._open_campaign(int(wanted) if wanted.isdecimal() else 0) if wanted else None
            image = request.env["influencegen.image"]._request(form["model"], form["prompt"], campaign=campaign)
            return {"request_id": image.uuid, "state": image.state}

        return self._answer(
            "image", request_image, request.env._("Your image is being generated. It will appear here under AI images.")
        )

    def _open_campaign(self, campaign_id):
        campaign = self._visible("influencegen.campaign", campaign_id)
        if not campaign:
            raise UserError(request.env._("This campaign is not open for applications."))
        return campaign

    def _visible(self, model, record_id):
        """Return the record of `model` with this id, if the user may see it; none for ids above PostgreSQL's limit."""
        return request.env[model].search([("id", "=", record_id)] if record_id <= MAX_ID else [("id", "=", 0)])
