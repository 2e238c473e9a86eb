import json
from http.client import HTTPConnection
from types import SimpleNamespace
from unittest.mock import patch

from psycopg2.errors import SerializationFailure
from werkzeug.datastructures import MultiDict

from odoo.http import Request
from odoo.tests import HttpCase, tagged
from odoo.tools import config, mute_logger

from .. import intake, signing
from .common import requests_allowed
from .test_image import ImageCase

SMALL, LARGE = 128 * 1024, 9 * 1024 * 1024
PIECE = b"x" * 64 * 1024


class Conflict(SerializationFailure):
    pgcode = "40001"


@tagged("post_install", "-at_install")
class TestRepeatedRequest(ImageCase, HttpCase):
    """Odoo calls an endpoint once more when its transaction was in conflict with another one."""

    def post(self, path, body):
        """Send signed JSON (bytes) and return the response; the first transaction conflicts once the body is read."""
        read, conflicts = intake.read, [Conflict()]

        def read_and_conflict(limit):
            body = read(limit)
            if conflicts:
                raise conflicts.pop()
            return body

        headers = {"Content-Type": "application/json", **signing.sign("secret", body)}
        with (
            patch.object(intake, "read", read_and_conflict), patch("random.uniform", return_value=0),
            mute_logger("odoo.service.model", "odoo.addons.influencegen.controllers.callback"),
        ):  # fmt: skip
            return self.url_open(path, data=body, headers=headers)

    def test_callback(self):
        self.set_parameter("webhook_secret", "secret")
        image = self.request()
        response = self.post("/influencegen/image/callback", json.dumps(self.result(image)).encode())
        self.assertEqual((response.status_code, image.state), (200, "done"), response.text)

    def test_registration(self):
        values = {"name": "Ada", "email": "ada.twice@example.com", "birthdate": "1990-01-01", "consent": True}
        response = self.post("/influencegen/api/register", json.dumps(values).encode())
        self.assertEqual(response.status_code, 202, response.text)


@tagged("post_install", "-at_install")
class TestIntake(ImageCase, HttpCase):
    """Bodies that are too long, with their length and without it."""

    def setUp(self):
        super().setUp()
        self.authenticate("ig-ann", "ig-ann-password")

    def send(self, path, content_type, declared, length):
        """Return status and body of the answer to a body of so many bytes."""
        with requests_allowed(self):
            return self._send(path, content_type, declared, length)

    def _send(self, path, content_type, declared, length):
        connection = HTTPConnection("127.0.0.1", config["http_port"], timeout=30)
        self.addCleanup(connection.close)
        start = b'{"name": "' if "json" in content_type else b"name="
        headers = {
            "Content-Type": content_type,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.opener.cookies.items()),
            **({"Content-Length": str(length)} if declared else {"Transfer-Encoding": "chunked"}),
        }
        pieces = (start, *[PIECE] * (length // len(PIECE))) if not declared else (PIECE,) * (length // len(PIECE))
        connection.request("POST", path, body=iter(pieces), headers=headers, encode_chunked=not declared)
        response = connection.getresponse()
        return response.status, response.read()

    def test_too_long(self):
        form = "application/x-www-form-urlencoded"
        for path, content_type, length in (
            ("/influencegen/api/register", "application/json", SMALL),
            ("/influencegen/api/register", form, SMALL),
            ("/influencegen/image/callback", "application/json", LARGE),
            ("/influencegen/register", form, SMALL),
            ("/my/influencegen/kyc", form, SMALL),
            ("/my/influencegen/images", form, SMALL),
            (f"/my/influencegen/campaigns/{self.campaign.id}/apply", form, SMALL),
            ("/my/influencegen/applications/1/content", form, SMALL),
        ):
            for declared in (True, False):
                with self.subTest(path, content_type=content_type, declared=declared):
                    status, body = self.send(path, content_type, declared, length)
                    self.assertEqual(status, 413, body[:300])

    def test_a_form_says_what_to_do(self):
        for declared in (True, False):
            _status, body = self.send("/my/influencegen/kyc", "application/x-www-form-urlencoded", declared, SMALL)
            self.assertIn(b"Go back, and choose a smaller file or shorten the text.", body)

    def test_a_json_intake_says_why(self):
        for declared in (True, False):
            _status, body = self.send("/influencegen/api/register", "application/json", declared, SMALL)
            self.assertEqual(json.loads(body), {"error": "The body is larger than 65536 bytes."})

    def post(self, path, form=(), files=None):
        form = {"csrf_token": Request.csrf_token(self), **dict(form)}
        with mute_logger("odoo.http"):
            return self.url_open(
                f"/my/influencegen/{path}", data=form, files=files, headers={"Accept": "application/json"}
            )

    def test_forms(self):
        apply = f"campaigns/{self.campaign.id}/apply"
        for path, form in (
            (apply, {"message": "a\0b"}),
            (apply, {"message": "a" * 4001}),
            (apply, {"self": "me"}),
            (apply, {"csrf_token": "é" * 50}),
            (f"campaigns/{10**20}/apply", {}),
            (f"applications/{10**20}/content", {"url": "https://example.com"}),
            ("images", {"model": "test", "prompt": "a", "campaign_id": "9" * 9}),
            ("images", {"model": "test", "prompt": "a", "campaign_id": "9" * 5000}),
            ("images", {"model": "test\0", "prompt": "a"}),
            ("kyc", {"document": "text", "document_type": "passport"}),
        ):
            with self.subTest(path, form=form):
                self.assertEqual(self.post(path, form).status_code, 400)
        for name in ("message", "csrf_token"):
            with self.subTest(file=name):
                self.assertEqual(self.post(apply, files={name: ("a.txt", b"a")}).status_code, 400)
        self.assertEqual(self.url_open("/my/influencegen?self=1").status_code, 400)
        self.assertEqual(self.url_open("/my/influencegen/campaigns/%00/apply").status_code, 404)
        self.assertFalse(self.campaign.application_ids)

    def test_parameters_are_there_for_addons_that_read_them_after_the_endpoint(self):
        request = SimpleNamespace(httprequest=SimpleNamespace(args=MultiDict({"utm_source": "trial"})))
        dispatcher = intake.IntakeDispatcher(request)
        self.assertEqual(dispatcher.dispatch(dict, {"campaign": 1}), {"campaign": 1})
        self.assertEqual(request.params, {"utm_source": "trial", "campaign": 1})

    def test_content(self):
        application = self.campaign._apply(self.influencer)
        application.action_accept()
        for url in ("http://[::1", "https://", "javascript:alert(1)", "https://example.com/" + "a" * 2000):
            with self.subTest(url):
                response = self.post(f"applications/{application.id}/content", {"url": url})
                self.assertEqual(response.status_code, 400)
                self.assertIn("error", response.json())

    def test_signed(self):
        self.set_parameter("webhook_secret", "secret")
        for body in (
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"\xff\xfe",
            b'{"request_id": "\\u0000"}',
            b'{"request_id": NaN}',
            b'{"request_id": "\\ud800"}',
            b'{"request_id": true}',
            b'{"request_id": %s}' % (b"9" * 5000),
        ):
            with self.subTest(body[:30]), mute_logger("odoo.addons.influencegen.controllers.callback"):
                headers = {"Content-Type": "application/json", **signing.sign("secret", body)}
                response = self.url_open("/influencegen/image/callback", data=body, headers=headers)
                self.assertEqual(response.status_code, 400, response.text)

    def test_storable(self):
        for value in ("a", "é🦊", 1, 1.5, None, True, {"a": [1, {"b": "c"}]}, []):
            self.assertTrue(intake.is_storable(value), value)
        for value in ("\0", "\ud800", float("inf"), float("nan"), {"\0": 1}, {"a": [["\udfff"]]}):
            self.assertFalse(intake.is_storable(value), value)
