from odoo.tests import TransactionCase, new_test_user

from .common import InfluenceGenCase


def make_influencer(env, name, **values):
    """Return an active influencer."""
    influencer = env["influencegen.influencer"]._create_as_system(
        {"name": name, "email": f"{name.lower()}@example.com", "birthdate": "1990-05-17", **values}
    )
    influencer._transition("kyc_pending")
    influencer._transition("active")
    return influencer


def make_campaign(env, **values):
    """Return an open campaign."""
    brand = env["res.partner"].create({"name": "Brand"})
    campaign = env["influencegen.campaign"].create(
        {"name": "Summer launch", "brand_id": brand.id, "fee": 250.0, **values}
    )
    campaign.action_open()
    return campaign


def make_payment(env, name="Bob", provider="manual"):
    """Return a payment that is due, with all that leads to it."""
    application = make_campaign(env)._apply(make_influencer(env, name))
    application.action_accept()
    content = application._submit_content("https://example.com/post/1")
    content.action_accept()
    content.payment_ids.provider = provider
    return content.payment_ids


class CampaignCase(InfluenceGenCase, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user, cls.other_user = (
            new_test_user(cls.env, login, "influencegen.group_influencer", password=f"{login}-password")
            for login in ("ig-ann", "ig-eve")
        )
        cls.influencer = make_influencer(cls.env, "Ann", user_id=cls.user.id)
        cls.other = make_influencer(cls.env, "Eve", user_id=cls.other_user.id)
        cls.campaign = make_campaign(cls.env)
