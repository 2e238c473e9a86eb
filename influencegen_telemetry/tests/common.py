import uuid

from odoo.addons.odoo_telemetry.tests.common import RealTransactionCase


class BusinessCase(RealTransactionCase):
    """Tests of the business in real transactions."""

    def campaign(self, env, influencers=1):
        """Return an open campaign and ``influencers`` active influencers, to be deleted after the test."""
        brand = self.delete_later(env["res.partner"].create({"name": "Brand"}))
        campaign = self.delete_later(
            env["influencegen.campaign"].create({"name": "Spring", "brand_id": brand.id, "fee": 10})
        )
        campaign.action_open()
        people = self.delete_later(
            env["influencegen.influencer"].create(
                [
                    {"name": "Ada", "email": f"{uuid.uuid4()}@example.com", "birthdate": "1990-01-01"}
                    for _ in range(influencers)
                ]
            )
        )
        people._transition("kyc_pending")
        people._transition("active")
        return campaign, people
