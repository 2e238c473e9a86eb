from odoo.tests import BaseCase

from ..signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, BadSignature, sign, verify

BODY = b'{"a": 1}'


class TestSigning(BaseCase):
    def refused(self, why, secret="secret", body=BODY, headers=None, now=1000):
        with self.assertRaisesRegex(BadSignature, why):
            verify(secret, body, sign("secret", BODY, 1000) if headers is None else headers, now)

    def test_known_value(self):
        headers = sign("secret", BODY, 1000)
        self.assertEqual(headers[TIMESTAMP_HEADER], "1000")
        self.assertEqual(
            headers[SIGNATURE_HEADER], "sha256=62f441056e641f09b3352901a109dc404a1e347672c76c5b779c73c2d63af336"
        )

    def test_round_trip(self):
        headers = sign("secret", BODY, 1000)
        self.assertEqual(verify("secret", BODY, headers, 1300), headers[SIGNATURE_HEADER])
        self.assertEqual(verify("secret", BODY, headers, 700), headers[SIGNATURE_HEADER])

    def test_refused(self):
        self.refused("does not match", secret="other")
        self.refused("does not match", body=BODY + b" ")
        self.refused("does not match", headers={**sign("secret", BODY, 1000), TIMESTAMP_HEADER: "1001"})
        self.refused("does not match", headers={**sign("secret", BODY, 1000), SIGNATURE_HEADER: "é"})
        self.refused("missing", headers={})
        self.refused("missing", headers={TIMESTAMP_HEADER: "1000"})
        self.refused("not a number", headers={**sign("secret", BODY, 1000), TIMESTAMP_HEADER: "-1"})
        self.refused("not a number", headers={**sign("secret", BODY, 1000), TIMESTAMP_HEADER: "²"})
        self.refused("300 seconds off", now=1301)
        self.refused("300 seconds off", now=699)

    def test_no_secret_signs_nothing(self):
        with self.assertRaises(ValueError):
            sign("", BODY)
        self.refused("not set", secret="")
