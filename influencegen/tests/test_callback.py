import json
import time

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .. import signing
from .test_image import ImageCase

URL = "/influencegen/image/callback"
LOGGER = "odoo.addons.influencegen.controllers.callback"


@tagged("post_install", "-at_install")
class TestCallback(ImageCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.set_parameter("webhook_secret", "secret")
        self.image = self.request()

    def post(self, payload, secret="secret", timestamp=None, **headers):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **signing.sign(secret, body, timestamp), **headers}
        with mute_logger(LOGGER):
            return self.url_open(URL, data=body, headers=headers, timeout=30)

    def assertRefused(self, response, status):
        self.assertEqual(response.status_code, status, response.text)
        self.assertTrue(response.json()["error"])
        self.assertEqual(self.image.state, "requested")

    def test_done(self):
        response = self.post(self.result(self.image))
        self.assertEqual((response.status_code, response.json()), (200, {"status": "ok"}))
        self.assertEqual((self.image.state, self.image.cost_usd), ("done", 0.0125))
        self.authenticate("ig-ann", "ig-ann-password")
        picture = self.url_open(f"/web/image/influencegen.image/{self.image.id}/picture")
        self.assertEqual((picture.status_code, picture.headers["Content-Type"]), (200, "image/png"))

    def test_duplicate_and_replay(self):
        now = int(time.time())
        self.post(self.result(self.image), timestamp=now)
        self.assertEqual(self.post(self.result(self.image), timestamp=now).status_code, 409)
        response = self.post(self.result(self.image), timestamp=now - 1)
        self.assertEqual((response.status_code, response.json()), (200, {"status": "duplicate"}))
        self.assertEqual(
            self.image.attachment_id.search_count(
                [("res_id", "=", self.image.id), ("res_model", "=", "influencegen.image")]
            ),
            1,
        )

    def test_failed(self):
        self.post({"request_id": self.image.uuid, "status": "failed", "error": "no GPU"})
        self.assertEqual((self.image.state, self.image.error), ("failed", "no GPU"))

    def test_signature(self):
        result = self.result(self.image)
        self.assertRefused(self.post(result, secret="other"), 401)
        self.assertRefused(self.post(result, timestamp=time.time() - 310), 401)
        self.assertRefused(self.post(result, **{signing.SIGNATURE_HEADER: "sha256=00"}), 401)
        self.assertRefused(self.post(result, **{signing.SIGNATURE_HEADER: None}), 401)

    def test_without_a_secret_nothing_is_accepted(self):
        self.set_parameter("webhook_secret", "")
        self.assertRefused(self.post(self.result(self.image)), 401)

    def test_garbage(self):
        for garbage in (b" ", b"{", b"\xff\xfe", b"[]", b'"x"', b"null", b'{"request_id": 1}'):
            self.assertRefused(self.post(garbage), 400)
        self.assertRefused(self.post(self.result(self.image, image="AAAA")), 400)
        self.assertRefused(self.post(self.result(self.image, request_id="0" * 32)), 404)

    def test_too_large(self):
        self.assertRefused(self.post(self.result(self.image, image="A" * 10 * 1024 * 1024)), 413)
