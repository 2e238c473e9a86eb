from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from .common import InfluenceGenCase


@tagged("post_install", "-at_install")
class TestSecurity(InfluenceGenCase, TransactionCase):
    def setUp(self):
        super().setUp()
        self.kyc = self.submitted_kyc()
        self.influencer = self.kyc.influencer_id
        self.other = self.register("bea@example.com")

    def assert_denied(self, method, *args):
        logs = mute_logger("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model", "odoo.models")
        with self.assertRaises(AccessError), logs:
            method(*args)

    def test_influencer_sees_itself_only(self):
        own = self.influencer.with_user(self.influencer.user_id)
        for model, expected in (
            ("influencegen.influencer", self.influencer),
            ("influencegen.handle", self.influencer.handle_ids),
            ("influencegen.kyc", self.kyc),
        ):
            self.assertEqual(own.env[model].search([]), expected)
        self.assertEqual(own.kyc_ids.state, "submitted")
        self.assert_denied(own.browse(self.other.id).read, ["email"])
        self.assert_denied(own.env["influencegen.kyc"].browse(self.other.kyc_ids.id).read, ["state"])

    def test_influencer_decides_nothing(self):
        own = self.influencer.with_user(self.influencer.user_id)
        self.assert_denied(own.write, {"name": "Someone else"})
        self.assert_denied(own.unlink)
        self.assert_denied(own.create, {"name": "X", "email": "x@example.com", "birthdate": "1990-01-01"})
        self.assert_denied(own.action_start_kyc)
        self.kyc._transition("review")
        self.assert_denied(self.kyc.with_user(own.env.user).action_approve)
        self.assert_denied(self.kyc.with_user(own.env.user).action_reject, "no")
        self.kyc._decide("approved")
        self.assert_denied(own.action_suspend)
        self.assertEqual(self.influencer.state, "active")

    def test_document_is_for_reviewers(self):
        attachment = self.kyc.attachment_id
        for user in (self.kyc_reviewer, self.administrator):
            self.assertTrue(attachment.with_user(user).raw, user.login)
        influencers = (self.influencer.user_id, self.other.user_id)
        public = self.env.ref("base.public_user")
        for user in (*influencers, self.campaign_manager, self.finance, self.employee, public):
            self.env.invalidate_all()
            self.assert_denied(attachment.with_user(user).read, ["raw"])

    def test_who_sees_kyc(self):
        for user in (self.campaign_manager, self.finance, self.employee):
            self.assert_denied(self.kyc.with_user(user).read, ["state"])
        for user in (self.campaign_manager, self.finance):
            self.assert_denied(self.influencer.with_user(user).read, ["kyc_ids"])
            self.assertEqual(self.influencer.with_user(user).name, "Ada Okafor")
        self.assert_denied(self.influencer.with_user(self.employee).read, ["name"])

    def test_who_decides(self):
        self.kyc._transition("review")
        for user in (self.campaign_manager, self.finance, self.employee):
            self.assert_denied(self.kyc.with_user(user).action_approve)
        for user in (self.kyc_reviewer, self.finance):
            self.assert_denied(self.influencer.with_user(user).write, {"name": "X"})
        self.kyc.with_user(self.administrator).action_approve()
        self.assertEqual(self.influencer.state, "active")

    def test_companies_are_apart(self):
        elsewhere = (
            self.env["influencegen.influencer"]
            .with_company(self.other_company)
            .create(
                {
                    "name": "Cem",
                    "email": "cem@example.com",
                    "birthdate": "1990-01-01",
                    "handle_ids": [(0, 0, {"platform": "x", "handle": "cem"})],
                }
            )
        )
        kyc = self.env["influencegen.kyc"].create({"influencer_id": elsewhere.id})
        self.assertEqual((elsewhere.company_id, kyc.company_id), (self.other_company,) * 2)
        for user in (self.campaign_manager, self.administrator):
            self.assert_denied(elsewhere.with_user(user).read, ["name"])
            self.assert_denied(elsewhere.handle_ids.with_user(user).read, ["handle"])
        self.assert_denied(kyc.with_user(self.kyc_reviewer).read, ["state"])
        self.kyc_reviewer.company_ids += self.other_company
        allowed = kyc.with_user(self.kyc_reviewer).with_context(allowed_company_ids=self.other_company.ids)
        self.assertEqual(allowed.state, "awaiting_document")

    def test_system_administrators_administer(self):
        self.assertTrue(self.env.ref("base.user_admin").has_group("influencegen.group_administrator"))
        self.assertTrue(self.administrator.has_group("influencegen.group_finance"))
