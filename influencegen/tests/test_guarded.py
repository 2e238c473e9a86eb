from base64 import b64encode

from odoo import api
from odoo.exceptions import AccessError, UserError
from odoo.service import model as service
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .campaign_common import CampaignCase, make_campaign, make_payment
from .common import PNG

_call_kw = getattr(service, "call_kw", None) or api.call_kw
LOGS = ("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models")


@tagged("post_install", "-at_install")
class TestGuarded(CampaignCase):
    def call(self, user, model, method, *args, **context):
        """Call a method as RPC does, and write what waits to be written."""
        with mute_logger(*LOGS), self.env.cr.savepoint():
            env = self.env(user=user)
            service.get_public_method(env[model], method)
            result = _call_kw(env[model], method, list(args), {"context": context})
            self.env.flush_all()
            return result

    def assertRefused(self, message, user, *args, **context):
        with self.assertRaisesRegex(UserError, message):
            self.call(user, *args, **context)

    def test_money_is_not_redirected(self):
        payment = make_payment(self.env)
        for user in (self.finance, self.administrator, self.env.ref("base.user_admin")):
            for field in ("influencer_id", "campaign_id", "content_id", "currency_id", "amount", "paid_at"):
                self.assertRefused(
                    "Payment: .* can't be changed directly", user, payment._name, "write", payment.ids, {field: 1}
                )
        self.assertEqual(payment.influencer_id, payment.content_id.influencer_id)

    def test_no_context_of_a_client_unlocks(self):
        keys = {
            "influencegen_system": True, "influencegen_transition": True, "install_mode": True, "import_file": True,
            "_force_unlink": True, "tracking_disable": True, "mail_notrack": True,
        }  # fmt: skip
        values = {"user_id": self.other_user.id}
        self.assertRefused(
            "Portal user", self.administrator, self.influencer._name, "write", self.influencer.ids, values, **keys
        )
        self.assertRefused(
            "Portal user",
            self.administrator,
            self.influencer._name,
            "web_save",
            self.influencer.ids,
            values,
            {},
            **keys,
        )
        kyc = self.submitted_kyc()
        for record in (kyc, kyc.influencer_id):
            self.assertRefused("can't be deleted", self.administrator, record._name, "unlink", record.ids, **keys)

    def test_defaults_of_a_client_do_not_count(self):
        user, values = self.campaign_manager, {"name": "Bea", "email": "bea@example.com", "birthdate": "1990-01-01"}
        self.call(user, "ir.default", "set", "influencegen.influencer", "user_id", self.other_user.id, user.id)
        [influencer] = self.call(
            user, "influencegen.influencer", "create", [values],
            default_source="api", default_consent_at="2026-01-01 00:00:00", default_activated_at="2026-01-01 00:00:00",
            default_company_id=self.other_company.id, default_state="active", default_partner_id=1,
        )  # fmt: skip
        influencer = self.env["influencegen.influencer"].browse(influencer)
        self.assertFalse(
            influencer.user_id or influencer.partner_id or influencer.consent_at or influencer.activated_at
        )
        self.assertEqual(
            (influencer.source, influencer.company_id, influencer.state), ("backoffice", user.company_id, "registered")
        )

    def test_imports_write_no_more_than_forms(self):
        columns = ["name", "email", "birthdate", "source"]
        loaded = self.call(
            self.campaign_manager,
            "influencegen.influencer",
            "load",
            columns,
            [["Bea", "bea@example.com", "1990-01-01", "api"]],
        )
        self.assertFalse(loaded["ids"])
        self.assertIn("can't be changed directly", str(loaded["messages"]))

    def test_lines_are_not_moved(self):
        other = make_campaign(self.env)._apply(self.other)
        self.assertRefused(
            "Campaign application: Campaign",
            self.campaign_manager,
            self.campaign._name,
            "write",
            self.campaign.ids,
            {"application_ids": [(4, other.id)]},
        )
        self.assertRefused(
            "Campaign application: Influencer",
            self.campaign_manager,
            other.campaign_id._name,
            "write",
            other.campaign_id.ids,
            {"application_ids": [(1, other.id, {"influencer_id": self.influencer.id})]},
        )

    def test_a_copy_has_nothing_of_what_the_system_wrote(self):
        self.assertRefused(
            "not allowed to create", self.finance, "influencegen.payment", "copy", make_payment(self.env).ids
        )
        [copy] = self.call(
            self.campaign_manager, self.influencer._name, "copy", self.influencer.ids, {"email": "copy@example.com"}
        )
        copy = self.env[self.influencer._name].browse(copy)
        self.assertEqual((copy.state, copy.source, copy.user_id.ids), ("registered", "backoffice", []))

    def test_what_was_verified_stays(self):
        kyc = self.submitted_kyc()
        for user in (self.campaign_manager, self.administrator):
            for values in ({"email": "else@example.com"}, {"birthdate": "1980-01-01"}):
                self.assertRefused(
                    "once KYC has started", user, "influencegen.influencer", "write", kyc.influencer_id.ids, values
                )
        self.assertRefused("is not in review", self.kyc_reviewer, kyc._name, "write", kyc.ids, {"reason": "No."})
        kyc._transition("review")
        self.call(self.kyc_reviewer, kyc._name, "write", kyc.ids, {"reason": "No."})
        self.call(self.kyc_reviewer, kyc._name, "action_reject", kyc.ids)
        self.assertRefused("is not in review", self.kyc_reviewer, kyc._name, "write", kyc.ids, {"reason": "Yes."})

    def test_documents_and_images_stay(self):
        document = self.submitted_kyc().attachment_id
        for values in ({"raw": PNG + b"x"}, {"datas": "eA=="}, {"res_id": 0}, {"public": True}, {"name": "x.png"}):
            for user in (self.kyc_reviewer, self.administrator):
                self.assertRefused("can't be changed", user, "ir.attachment", "write", document.ids, values)
        self.assertRefused("can't be changed", self.administrator, "ir.attachment", "unlink", document.ids)
        if "thumbnail" in document._fields:
            self.call(self.kyc_reviewer, "ir.attachment", "write", document.ids, {"thumbnail": b64encode(PNG).decode()})
            self.assertFalse(document.thumbnail)
        document.write({"raw": PNG, "mimetype": "image/png"})
        self.assertEqual(document.raw, PNG)

    def test_the_invitation_is_not_in_the_chatter(self):
        influencer = self.register()
        [mail] = self.env["mail.mail"].search([("recipient_ids", "=", influencer.partner_id.id)])
        self.assertIn("/web/signup", mail.body_html)
        for user in (self.campaign_manager, self.finance, self.kyc_reviewer):
            with self.assertRaises(AccessError), mute_logger(*LOGS, "odoo.addons.mail.models.mail_message"):
                mail.mail_message_id.with_user(user).read(["body"])


@tagged("post_install", "-at_install")
class TestChatter(CampaignCase):
    def tracked(self, record):
        """Return the set of (user, field) of what the chatter of `record` has since the last call."""
        self.env.cr.precommit.run()
        messages = record.sudo().message_ids
        found = {
            (message.author_id.user_ids[:1], value.field_id.name)
            for message in messages for value in message.tracking_value_ids
        }  # fmt: skip
        messages.unlink()
        return found

    def test_who_changed_what_people_may_change(self):
        payment = make_payment(self.env)
        self.tracked(payment)
        quiet = {"tracking_disable": True, "mail_notrack": True}
        payment.with_user(self.finance).with_context(**quiet).provider = "http"
        self.assertEqual(self.tracked(payment), {(self.finance, "provider")})
        self.tracked(self.campaign)
        self.campaign.with_user(self.campaign_manager).write({"fee": 99, "name": "Autumn"})
        self.assertEqual(self.tracked(self.campaign), {(self.campaign_manager, "fee")})
        self.influencer.with_user(self.campaign_manager).name = "Anne"
        self.influencer.with_user(self.administrator).action_suspend()
        self.assertIn((self.campaign_manager, "name"), self.tracked(self.influencer))

    def test_tracked_changes_stay(self):
        payment = make_payment(self.env)
        self.tracked(payment)
        payment.with_user(self.finance).provider = "http"
        self.env.cr.precommit.run()
        message = payment.sudo().message_ids
        for user in (self.finance, self.administrator, self.env.ref("base.user_admin")):
            own = message.with_user(user)
            for change in (
                own.unlink,
                lambda own=own: own.write({"tracking_value_ids": [(5,)]}),
                lambda own=own, user=user: own.write({"author_id": user.partner_id.id}),
                own.sudo().tracking_value_ids.with_user(user).unlink,
            ):
                with self.assertRaises(AccessError), mute_logger(*LOGS):
                    change()
        self.assertEqual(self.tracked(payment), {(self.finance, "provider")})

    def test_who_changed_a_price(self):
        model = self.env["influencegen.image.model"].create({"name": "Test", "code": "test"})
        self.tracked(model)
        model.with_user(self.administrator).write({"price_usd": 2, "active": False})
        self.assertEqual(self.tracked(model), {(self.administrator, "price_usd"), (self.administrator, "active")})

    def test_who_recorded_a_consent(self):
        with Form(self.env["influencegen.influencer"].with_user(self.campaign_manager)) as form:
            form.name, form.email, form.birthdate = "Bea", "bea@example.com", "1990-01-01"
        self.tracked(form.record)
        form.record.action_record_consent()
        self.assertTrue(form.record.consent_at)
        self.assertEqual(self.tracked(form.record), {(self.campaign_manager, "consent_at")})

    def test_what_the_system_does_leaves_no_entries(self):
        kyc = self.submitted_kyc()
        self.env.cr.precommit.run()
        self.assertFalse(kyc.message_ids | kyc.influencer_id.message_ids)
