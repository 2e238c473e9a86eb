import base64
import json

from odoo import api
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, HttpCase, TransactionCase, tagged

from .common import PDF, PNG, InfluenceGenCase, forbid_commit

APPROVED = (200, {"outcome": "approved"})


@tagged("post_install", "-at_install")
class TestKyc(InfluenceGenCase, TransactionCase):
    def setUp(self):
        super().setUp()
        self.set_parameter("kyc_url", self.service.url)
        self.answer(document=APPROVED, identity=APPROVED)

    def answer(self, **answers):
        """Have the KYC service give these answers, by step."""
        self.service.answers.update({f"/verify/{step}": [answer] for step, answer in answers.items()})

    def test_document_is_kept_protected(self):
        kyc = self.register().kyc_ids
        kyc._submit_document("passport", "passport.PDF", PDF)
        self.assertEqual(kyc.state, "submitted")
        self.assertTrue(kyc.submitted_at)
        attachment = kyc.attachment_id
        self.assertEqual((attachment.raw, attachment.mimetype), (PDF, "application/pdf"))
        self.assertEqual((attachment.res_model, attachment.res_id), (kyc._name, kyc.id))
        self.assertFalse(attachment.public)
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count(
                [("cron_id", "=", self.env.ref("influencegen.cron_kyc_verify").id)]
            )
        )

    def test_refused_documents(self):
        kyc = self.register().kyc_ids
        for name, document in {
            "type": ("library_card", "card.png", PNG),
            "nothing": ("passport", "passport.png", b""),
            "size": ("passport", "passport.png", PNG + b"\0" * 5 * 1024 * 1024),
            "content": ("passport", "passport.png", b"<html><script>alert(1)</script></html>"),
            "extension": ("passport", "passport.exe", PNG),
            "no extension": ("passport", "png", PDF),
            "content of another type": ("passport", "passport.pdf", PNG),
            "half a picture": ("passport", "passport.png", PNG[:-20]),
            "half a PDF": ("passport", "passport.pdf", PDF[:-20]),
            "a PDF without what its end points to": ("passport", "passport.pdf", PDF.replace(b"29", b"2900")),
            "file name with NUL": ("passport", "pass\0port.png", PNG),
            "long file name": ("passport", "a" * 200 + ".png", PNG),
        }.items():
            with self.subTest(name), self.assertRaises(ValidationError):
                kyc._submit_document(*document)
        self.assertEqual(kyc.state, "awaiting_document")

    def test_only_one_document(self):
        kyc = self.submitted_kyc()
        with self.assertRaises(UserError):
            kyc._submit_document("passport", "passport.png", PNG)

    def test_approval_activates(self):
        kyc = self.submitted_kyc()
        kyc._verify()
        self.assertEqual((kyc.state, kyc.automated_outcome), ("approved", "approved"))
        self.assertEqual(kyc.verification_type, "automated")
        self.assertTrue(kyc.automated_at)
        self.assertEqual(kyc.influencer_id.state, "active")
        self.assertTrue(kyc.influencer_id.activated_at)
        self.assertEqual(
            [path for path, _headers, _body in self.service.received], ["/verify/document", "/verify/identity"]
        )
        sent = json.loads(self.service.received[0][2])
        self.assertEqual(base64.b64decode(sent.pop("document")), PNG)
        self.assertEqual(
            sent,
            {
                "reference": f"kyc-{kyc.id}",
                "name": "Ada Okafor",
                "birthdate": "1994-05-12",
                "document_type": "passport",
            },
        )

    def test_rejection_rejects(self):
        self.answer(identity=(200, {"outcome": "rejected", "reason": "on a list"}))
        kyc = self.submitted_kyc()
        kyc._verify()
        self.assertEqual((kyc.state, kyc.automated_reason), ("rejected", "on a list"))
        self.assertEqual(kyc.verification_type, "automated")
        self.assertEqual(kyc.influencer_id.state, "rejected")
        self.assertFalse(kyc.influencer_id.activated_at)

    def test_first_step_other_than_an_approval_decides(self):
        self.answer(document=(200, {"outcome": "rejected", "reason": "expired"}))
        self.submitted_kyc()._verify()
        self.assertEqual(len(self.service.received), 1)

    def test_what_is_not_answered_is_referred(self):
        manual = r"^The automated check was not completed: KYC service .+\. Check the document yourself\.$"
        answers = [(200, {"outcome": "referred"}), (400, {}), (500, {}), (200, b"garbage"), (None, {})]
        for number, (answer, expected) in enumerate(zip(answers, ["^$", *[manual] * 4], strict=True)):
            with self.subTest(answer=answer):
                self.answer(document=answer)
                kyc = self.submitted_kyc(f"ada{number}@example.com")
                kyc._verify()
                self.assertEqual((kyc.state, kyc.automated_outcome), ("review", "referred"))
                self.assertTrue(kyc.review_requested_at)
                self.assertRegex(kyc.automated_reason or "", expected)
                self.assertFalse(kyc.verification_type)
                self.assertEqual(kyc.influencer_id.state, "kyc_pending")

    def referred_kyc(self, email="ada@example.com"):
        self.answer(document=(200, {"outcome": "referred", "reason": "blurred"}))
        kyc = self.submitted_kyc(email)
        kyc._verify()
        return kyc.with_user(self.kyc_reviewer)

    def test_manual_approval(self):
        kyc = self.referred_kyc()
        kyc.action_approve()
        self.assertEqual((kyc.state, kyc.verification_type), ("approved", "manual"))
        self.assertEqual(kyc.reviewer_id, self.kyc_reviewer)
        self.assertGreaterEqual(kyc.reviewed_at, kyc.review_requested_at)
        self.assertEqual(kyc.influencer_id.state, "active")

    def test_manual_rejection_needs_a_reason(self):
        kyc = self.referred_kyc()
        with self.assertRaisesRegex(UserError, "reason"):
            kyc.action_reject()
        with Form(kyc) as form:
            self.assertEqual(form.birthdate, str(kyc.influencer_id.sudo().birthdate))
            form.reason = "not the same person"
        kyc.action_reject()
        self.assertEqual((kyc.state, kyc.reason, kyc.verification_type), ("rejected", "not the same person", "manual"))
        self.assertEqual(kyc.influencer_id.state, "rejected")

    def test_reason_may_come_with_the_rejection(self):
        kyc = self.referred_kyc()
        kyc.action_reject("expired")
        self.assertEqual(kyc.reason, "expired")

    def test_review_waits_for_the_automated_step(self):
        kyc = self.submitted_kyc().with_user(self.kyc_reviewer)
        with self.assertRaisesRegex(UserError, "is not in review"):
            kyc.action_approve()

    def test_timestamps_keep_their_fractions(self):
        kyc = self.submitted_kyc()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT extract(microseconds FROM submitted_at)::int %% 1000000 FROM influencegen_kyc WHERE id = %s",
            [kyc.id],
        )
        self.assertEqual(self.env.cr.fetchone()[0], kyc.submitted_at.microsecond)
        self.assertTrue(kyc.submitted_at.microsecond)

    def test_cron_verifies_what_was_submitted(self):
        kycs = self.submitted_kyc() | self.submitted_kyc("bea@example.com")
        waiting = self.register("cem@example.com").kyc_ids
        self.env["influencegen.kyc"]._cron_verify()
        self.assertEqual(kycs.mapped("state"), ["approved", "approved"])
        self.assertEqual(waiting.state, "awaiting_document")


@tagged("post_install", "-at_install")
class TestKycCron(InfluenceGenCase, HttpCase):
    """The cron on a cursor of its own, that may commit and roll back."""

    def test_failure_of_one_does_not_hold_up_the_others(self):
        first, second = self.submitted_kyc(), self.submitted_kyc("bea@example.com")

        def fail_for_first(kyc):
            kyc._transition("review")
            if kyc.id == first.id:
                raise ValueError("unforeseen")

        self.env.flush_all()
        self.patch(type(first), "_verify", fail_for_first)
        with self.registry.cursor() as cr, self.assertLogs("odoo.addons.influencegen.models.kyc", "ERROR") as logs:
            api.Environment(cr, api.SUPERUSER_ID, {})["influencegen.kyc"]._cron_verify()
        self.assertIn(str(first), logs.output[0])
        self.env.invalidate_all()
        self.assertEqual((first | second).mapped("state"), ["submitted", "review"])

    def test_it_verifies_as_a_job_too(self):
        self.set_parameter("kyc_url", self.service.url)
        self.service.answers.update({f"/verify/{step}": [APPROVED] for step in ("document", "identity")})
        kyc = self.submitted_kyc()
        self.env.flush_all()
        with self.registry.cursor() as cr:
            kycs = api.Environment(cr, api.SUPERUSER_ID, {})["influencegen.kyc"]
            with forbid_commit(cr):
                kycs._cron_verify()
            kycs._cron_verify()
        self.env.invalidate_all()
        self.assertEqual(kyc.state, "approved")
        self.assertEqual(len(self.service.received), 2)
