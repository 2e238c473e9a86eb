from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .campaign_common import CampaignCase, make_campaign, make_influencer


@tagged("post_install", "-at_install")
class TestCampaign(CampaignCase):
    def test_from_application_to_payment(self):
        application = self.campaign._apply(self.influencer, "I like it")
        self.assertEqual(application.state, "submitted")
        application.with_user(self.campaign_manager).action_accept()
        content = application._submit_content(" https://example.com/post/1 ", "Look")
        self.assertEqual((content.state, content.url), ("submitted", "https://example.com/post/1"))
        content.with_user(self.campaign_manager).action_accept()
        payment = content.payment_ids
        self.assertEqual((payment.state, payment.amount, payment.influencer_id), ("pending", 250.0, self.influencer))
        self.assertEqual(payment.currency_id, self.campaign.currency_id)
        self.assertEqual((self.campaign.application_count, self.campaign.content_count), (1, 1))

    def test_one_application_each(self):
        self.campaign._apply(self.influencer)
        with self.assertRaisesRegex(UserError, "already applied"):
            self.campaign._apply(self.influencer)
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env["influencegen.application"].create(
                {
                    "campaign_id": self.campaign.id,
                    "influencer_id": self.influencer.id,
                }
            )

    def test_only_active_influencers_and_open_campaigns(self):
        newcomer = self.env["influencegen.influencer"].create(
            {
                "name": "Newcomer",
                "email": "newcomer@example.com",
                "birthdate": "1990-05-17",
            }
        )
        with self.assertRaisesRegex(UserError, "Only active"):
            self.campaign._apply(newcomer)
        with self.assertRaises(ValidationError):
            self.env["influencegen.application"].create(
                {
                    "campaign_id": self.campaign.id,
                    "influencer_id": newcomer.id,
                }
            )
        self.campaign.action_close()
        with self.assertRaisesRegex(UserError, "not open"):
            self.campaign._apply(self.influencer)

    def test_no_way_back(self):
        application = self.campaign._apply(self.influencer)
        application.action_decline()
        with self.assertRaises(UserError):
            application.action_accept()
        with self.assertRaisesRegex(UserError, "accepted"):
            application._submit_content("https://example.com")
        with self.assertRaises(UserError):
            application.state = "accepted"

    def test_content_is_reviewed_once(self):
        application = self.campaign._apply(self.influencer)
        application.action_accept()
        for address in ("", None, "example.com", "javascript:alert(1)", "ftp://example.com/a", "https://"):
            with self.assertRaisesRegex(UserError, "web address"):
                application._submit_content(address)
        content = application._submit_content("https://example.com/post/1")
        content.action_reject()
        with self.assertRaises(UserError):
            content.action_accept()
        self.assertFalse(content.payment_ids)

    def test_wrong_values(self):
        with self.assertRaisesRegex(ValidationError, "before it starts"):
            self.campaign.write({"date_start": "2030-02-01", "date_end": "2030-01-01"})
        with self.assertRaisesRegex(ValidationError, "negative"):
            self.campaign.fee = -1

    def test_influencer_sees_open_campaigns_and_their_own(self):
        draft = self.env["influencegen.campaign"].create({"name": "Draft", "brand_id": self.campaign.brand_id.id})
        mine = self.campaign._apply(self.influencer)
        theirs = self.campaign._apply(self.other)
        (mine + theirs).action_accept()
        contents = mine._submit_content("https://example.com/1") + theirs._submit_content("https://example.com/2")
        contents.action_accept()
        self.assertNotIn(draft, self.env["influencegen.campaign"].with_user(self.user).search([]))
        for model, record in (
            ("influencegen.application", mine),
            ("influencegen.content", contents[0]),
            ("influencegen.payment", contents[0].payment_ids),
        ):
            self.assertEqual(self.env[model].with_user(self.user).search([]), record)
        with self.assertRaises(AccessError):
            theirs.with_user(self.user).read(["message"])

    def test_who_may_not(self):
        application = self.campaign._apply(self.influencer)
        for user in (self.user, self.finance):
            with self.assertRaises(AccessError):
                application.with_user(user).action_accept()
            with self.assertRaises(AccessError):
                self.campaign.with_user(user).action_close()
        application.action_accept()
        content = application._submit_content("https://example.com/1")
        for user in (self.user, self.finance):
            with self.assertRaises(AccessError):
                content.with_user(user).action_accept()

    def test_companies_are_apart(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        env = self.env(context={**self.env.context, "allowed_company_ids": company.ids})
        foreign = make_campaign(env)
        self.assertEqual(foreign.company_id, company)
        with self.assertRaisesRegex(UserError, "another company"):
            foreign._apply(self.influencer)
        application = foreign._apply(make_influencer(env, "Foreigner"))
        application.action_accept()
        content = application._submit_content("https://example.com/1")
        content.action_accept()
        self.assertNotIn(foreign, self.env["influencegen.campaign"].with_user(self.campaign_manager).search([]))
        for record in (application, content, content.payment_ids):
            self.assertEqual(record.company_id, company)
            self.assertNotIn(record, self.env[record._name].with_user(self.campaign_manager).search([]))
