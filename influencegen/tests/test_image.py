import base64
import json
from datetime import timedelta
from io import BytesIO
from unittest.mock import patch

from PIL import Image as Pillow

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .. import picture as pictures
from .. import signing
from ..models.image import CallbackError
from ..models.stateful import utcnow
from .campaign_common import CampaignCase


def picture(kind="PNG", size=(8, 8)):
    """An image file in base64."""
    buffer = BytesIO()
    Pillow.new("RGB", size, "teal").save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


class ImageCase(CampaignCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.env["influencegen.image.model"].create({"name": "Test", "code": "test", "price_usd": 0.0125})
        cls.images = cls.env["influencegen.image"]

    def request(self, user=None, **kwargs):
        return self.images.with_user(user or self.user)._request("test", "A teal square", **kwargs).sudo()

    def result(self, request, /, **values):
        return {"request_id": request.uuid, "status": "done", "image": picture(), "mimetype": "image/png", **values}


@tagged("post_install", "-at_install")
class TestImageRequest(ImageCase):
    def test_influencer(self):
        image = self.request(parameters={"steps": 4}, campaign=self.campaign.with_user(self.user))
        self.assertEqual(
            (image.state, image.user_id, image.influencer_id, image.campaign_id, image.parameters),
            ("requested", self.user, self.influencer, self.campaign, {"steps": 4}),
        )
        self.assertEqual(self.campaign.image_count, 1)
        self.assertEqual(self.images.with_user(self.user).search([]), image)
        self.assertFalse(self.images.with_user(self.other_user).search([]))

    def test_campaign_manager(self):
        action = (
            self.env["influencegen.image.request"]
            .with_user(self.campaign_manager)
            .create(
                {
                    "campaign_id": self.campaign.id,
                    "model_id": self.model.id,
                    "prompt": "A teal square",
                }
            )
            .action_request()
        )
        image = self.images.browse(action["res_id"])
        self.assertEqual((image.user_id, image.campaign_id), (self.campaign_manager, self.campaign))
        self.assertFalse(image.influencer_id)

    def test_refused(self):
        with self.assertRaisesRegex(UserError, "Describe what the image"):
            self.images.with_user(self.user)._request("test", " ")
        with self.assertRaisesRegex(UserError, "no image model"):
            self.images.with_user(self.user)._request("nothing", "A teal square")
        self.model.active = False
        with self.assertRaisesRegex(UserError, "no image model"):
            self.request()

    def test_what_is_asked_for_is_limited(self):
        images = self.images.with_user(self.user)
        deep = {"a": {"b": {"c": {"d": {}}}}}
        for prompt, parameters in (
            ("a" * 4001, None),
            ("a\0", None),
            ("\ud800", None),
            (["a"], None),
            ("a", ["steps"]),
            ("a", deep),
            ("a", {"steps": float("nan")}),
            ("a", {"style": "a" * 4000}),
            ("a", {"style": "\0"}),
            ("a", "steps"),
        ):
            with self.subTest(prompt=prompt, parameters=parameters), self.assertRaises(UserError):
                images._request("test", prompt, parameters)
        for code in ("a" * 101, "\0", None, ["test"], True):
            with self.subTest(code=code), self.assertRaises(UserError):
                images._request(code, "A teal square")

    def test_who_may_not(self):
        with self.assertRaises(AccessError):
            self.request(self.finance)
        with self.assertRaises(AccessError):
            self.images.with_user(self.user).create({"model_id": self.model.id, "prompt": "A teal square"})
        self.campaign.action_close()
        with self.assertRaises(AccessError):
            self.request(campaign=self.campaign.with_user(self.user))
        with self.assertRaisesRegex(UserError, "not open"):
            self.request(self.campaign_manager, campaign=self.campaign.with_user(self.campaign_manager))
        self.influencer._transition("suspended")
        with self.assertRaisesRegex(UserError, "Only active"):
            self.request()

    def test_quota_is_by_user_and_day(self):
        self.set_parameter("image_daily_quota", "2")
        self.request()
        yesterday = self.request()
        with self.assertRaisesRegex(UserError, "limit of 2 images per day"):
            self.request()
        self.request(self.other_user)
        yesterday._as_system().requested_at = utcnow() - timedelta(days=1)
        self.request()

    def test_times_out(self):
        late, waiting, done = self.request(), self.request(), self.request()
        (late | done)._as_system().requested_at = utcnow() - timedelta(seconds=901)
        late._transition("processing")
        self.images._receive(self.result(done), "signature")
        self.images._cron_time_out()
        self.assertEqual((late.state, waiting.state, done.state), ("timed_out", "requested", "done"))
        self.assertIn("900", late.error)
        self.assertTrue(late.finished_at)


@tagged("post_install", "-at_install")
class TestImageWebhook(ImageCase):
    def deliver(self, status, image=None):
        image = image or self.request(parameters={"steps": 4})
        self.service.answers["/webhook/influencegen-image"] = [(status, {})]
        self.service.received.clear()
        self.set_parameter("n8n_webhook_url", f"{self.service.url}/webhook/influencegen-image")
        image._deliver()
        return image, self.service.received

    def test_signed_and_complete(self):
        self.set_parameter("callback_url", "http://odoo.example/callback")
        image, [(path, headers, body)] = self.deliver(202)
        self.assertEqual((image.state, path), ("processing", "/webhook/influencegen-image"))
        self.assertGreater(image.accepted_at, image.requested_at)
        self.assertEqual(headers["Content-Type"], "application/json")
        signing.verify(self.env["ir.config_parameter"].get_param("influencegen.webhook_secret"), body, headers)
        self.assertEqual(
            json.loads(body),
            {
                "request_id": image.uuid,
                "model": "test",
                "prompt": "A teal square",
                "parameters": {"steps": 4},
                "callback_url": "http://odoo.example/callback",
            },
        )

    def test_undeliverable_is_failed_with_a_reason(self):
        image, requests = self.deliver(503)
        self.assertEqual((image.state, image.accepted_at, len(requests)), ("failed", False, 3))
        self.assertIn("503", image.error)
        self.assertTrue(image.finished_at)
        image, requests = self.deliver(401)
        self.assertEqual((image.state, len(requests)), ("failed", 1))

    def test_nowhere_to_send(self):
        image = self.request()
        self.set_parameter("n8n_webhook_url", "http://127.0.0.1:9/webhook")
        image._deliver()
        self.assertEqual(image.state, "failed")
        self.set_parameter("webhook_secret", "")
        image = self.request()
        image._deliver()
        self.assertEqual((image.state, image.error), ("failed", "The webhook secret is not set."))

    def test_callback_that_comes_first_stands(self):
        send = type(self.env["influencegen.api"])._send
        for status, accepted in ((202, True), (400, False)):
            image = self.request()

            def answered_first(*args, image=image, **kwargs):
                self.images._receive(self.result(image), image.uuid)
                return send(*args, **kwargs)

            with patch.object(type(self.env["influencegen.api"]), "_send", answered_first):
                self.deliver(status, image)
            self.assertEqual((image.state, image.error, bool(image.accepted_at)), ("done", False, accepted))


@tagged("post_install", "-at_install")
class TestImageResult(ImageCase):
    def refused(self, status, payload, signature="signature"):
        with self.assertRaises(CallbackError) as caught:
            self.images._receive(payload, signature)
        self.assertEqual(caught.exception.status, status)

    def test_done_from_requested_and_from_processing(self):
        for states in ((), ("processing",)):
            image = self.request()
            for state in states:
                image._transition(state)
            self.assertEqual(self.images._receive(self.result(image), image.uuid), "ok")
            self.assertEqual((image.state, image.cost_usd), ("done", 0.0125))
            self.assertEqual(base64.b64encode(image.attachment_id.raw).decode(), picture())
            self.assertEqual(image.attachment_id.mimetype, "image/png")
            self.assertGreater(image.finished_at, image.requested_at)

    def test_the_cost_is_the_price_when_the_result_comes(self):
        image = self.request()
        self.images._receive(self.result(image), "signature")
        self.model.price_usd = 5
        self.assertEqual(image.cost_usd, 0.0125)

    def test_type_is_what_the_image_is(self):
        image = self.request()
        self.images._receive(self.result(image, image=picture("JPEG"), mimetype="text/html"), "signature")
        self.assertEqual(image.attachment_id.mimetype, "image/jpeg")

    def test_failed(self):
        image = self.request()
        payload = {"request_id": image.uuid, "status": "failed", "error": "out of memory\0"}
        self.assertEqual(self.images._receive(payload, "signature"), "ok")
        self.assertEqual((image.state, image.error, image.cost_usd), ("failed", "out of memory", 0))

    def test_duplicate_and_replay(self):
        image = self.request()
        self.images._receive(self.result(image), "first")
        self.assertEqual(self.images._receive(self.result(image, image=picture("JPEG")), "second"), "duplicate")
        self.assertEqual(image.attachment_id.mimetype, "image/png")
        self.refused(409, self.result(image), "first")

    def test_too_late(self):
        image = self.request()
        image._transition("timed_out")
        self.assertEqual(self.images._receive(self.result(image), "signature"), "duplicate")
        self.assertFalse(image.attachment_id)

    def test_garbage(self):
        image = self.request()
        truncated = [base64.b64decode(picture(kind, (64, 64)))[:-40] for kind in ("PNG", "JPEG")]
        svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
        encoded = [base64.b64encode(content).decode() for content in (*truncated, svg)]
        for garbage in (None, 5, "", "?", "AAAA", "é", *encoded):
            self.refused(400, self.result(image, image=garbage))
        with patch.object(pictures, "MAX_PIXELS", 63):
            self.refused(400, self.result(image))
        self.refused(400, self.result(image, status="maybe"))
        self.refused(400, {"request_id": image.uuid, "status": "failed", "error": {"code": 1}})
        for uuid in (None, 5, "", "x", "\0", [], {}):
            self.refused(400, {"request_id": uuid, "status": "done"})
        self.refused(400, [])
        self.refused(400, "text")
        self.refused(404, {"request_id": "6f0f1f9e-6d3c-4d3c-8f2e-0a4d2f6b7c11", "status": "done"})
        self.assertEqual(image.state, "requested")

    def test_owner_can_open_the_image(self):
        image = self.request()
        self.images._receive(self.result(image), "signature")
        self.assertTrue(image.attachment_id.with_user(self.user).raw)
        with self.assertRaises(AccessError):
            image.attachment_id.with_user(self.other_user).read(["raw"])
