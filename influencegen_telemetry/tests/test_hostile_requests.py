"""What strangers send to every route of both addons, made up by Hypothesis: none is answered with a 500.

``INFLUENCEGEN_HOSTILE_REQUESTS`` is how many are sent; the same ones each time, unless more than the default are.
"""

import json
import logging
import os
import re
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.http import Request
from odoo.tests import HttpCase, tagged
from odoo.tools import config, mute_logger

from odoo.addons.influencegen import signing
from odoo.addons.influencegen.tests.common import requests_allowed
from odoo.addons.influencegen.tests.test_image import ImageCase
from odoo.addons.odoo_telemetry.tests.settings_case import Published

DEFAULT = 400
REQUESTS = int(os.environ.get("INFLUENCEGEN_HOSTILE_REQUESTS", DEFAULT))
ADDONS = ("odoo.addons.influencegen.", "odoo.addons.influencegen_telemetry.", "odoo.addons.odoo_telemetry.")
SECRET = "secret"
FIELDS = (
    "name", "email", "birthdate", "consent", "handles", "platform", "handle", "message", "url", "caption", "model",
    "prompt", "campaign_id", "document", "document_type", "request_id", "status", "image", "error", "token", "values",
    "name[]", "group[]", "csrf_token", "self", "args", "kwargs", "env", "debug", "lang", "redirect",
)  # fmt: skip
NASTY = ("\0", "\ud800", "é\0", "9" * 5000, "1e999", "-1", "NaN", "http://[::1", "//[", "%00", "../..", "🦊", "")

texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=30), st.sampled_from(("ada@example.com", "1990-01-01", "x")))
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from((10**400, float("nan"), "done"))
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)),
    max_leaves=12,
)
documents = st.one_of(
    st.dictionaries(st.sampled_from(FIELDS), values, max_size=8).map(lambda value: json.dumps(value).encode()),
    values.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=60),
    st.sampled_from((b"[" * 50_000, b'{"a":' * 10_000, b"\xff\xfe{}", b'{"name": "\\u0000"}', b"")),
)
fields = st.lists(st.tuples(st.sampled_from(FIELDS), texts), max_size=8)
headers = st.dictionaries(
    st.sampled_from((
        "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Origin", "Sec-Fetch-Site", "Referer",
        "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "Range", "If-None-Match", "Content-Type", "Host",
    )),
    st.one_of(
        st.sampled_from((
            "http://[::1", "[::1", "null", "*;q=0", "gzip;q=x", "Bearer \xe9", "text/plain;version=x",
            "application/openmetrics-text;version=1.a", "application/json", "multipart/form-data",
            "multipart/form-data; boundary=", "application/x-www-form-urlencoded; charset=x", "same-origin",
        )),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40),
    ),
    max_size=3,
)  # fmt: skip


def multipart(parts):
    """Return (content type, body) of a form with some of its fields as files."""
    lines = []
    for (name, value), is_file in zip(parts, cycle((False, True)), strict=False):
        file = '; filename="a\0.png"' if is_file else ""
        lines.append(f'--limit\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n')
    return "multipart/form-data; boundary=limit", "".join([*lines, "--limit--\r\n"]).encode(errors="surrogatepass")


bodies = st.one_of(
    documents.map(lambda body: ("application/json", body)),
    fields.map(lambda form: ("application/x-www-form-urlencoded", urlencode(form, errors="surrogatepass").encode())),
    fields.map(multipart),
)


class Errors(logging.Handler):
    """The records of ERROR and above, and those with a traceback."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def emit(self, record):
        if record.levelno >= logging.ERROR or record.exc_info:
            self.seen.append(self.format(record))


@tagged("post_install", "-at_install")
class TestHostileRequests(Published, ImageCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.set_parameter("webhook_secret", SECRET)
        self.set_parameter("registrations_per_client", "1000000")
        self.set_parameter("registrations_per_hour", "1000000")
        self.token = self.settings._new_scrape_token()
        self.commit()
        self.authenticate("ig-ann", "ig-ann-password")

    def routes(self):
        """Return a sorted list of (URL pattern, method) of what the addons serve, as Odoo's routing map is made of."""
        http = self.env["ir.http"]
        rules = http._generate_routing_rules(sorted(self.registry._init_modules), http._get_converters())
        return sorted(
            (url, method)
            for url, endpoint in rules
            if endpoint.original_endpoint.__module__.startswith(ADDONS)
            for method in endpoint.routing["methods"] or ("GET", "POST")
        )

    def send(self, method, path, body, sent):
        """Return the status of the answer; 0 if the server took what was sent for no HTTP."""
        connection = HTTPConnection("127.0.0.1", config["http_port"], timeout=60)
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            response.read()
            return response.status
        except (HTTPException, OSError):
            return 0
        finally:
            connection.close()

    def test_every_route(self):
        routes = self.routes()
        self.assertIn(("/influencegen/api/register", "POST"), routes)
        self.assertIn(("/metrics", "GET"), routes)
        errors = Errors()
        logging.getLogger().addHandler(errors)
        self.addCleanup(logging.getLogger().removeHandler, errors)
        csrf = Request.csrf_token(self)
        statuses = {}

        @settings(
            max_examples=REQUESTS, derandomize=REQUESTS <= DEFAULT, deadline=None, database=None,
            phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(
            route=st.sampled_from(routes), content=bodies, sent=headers, query=fields,
            number=st.sampled_from(("0", "1", str(self.campaign.id), str(10**20), "-1", "%00", "x", "\ud800")),
            trusted=st.booleans(), logged_in=st.booleans(),
        )  # fmt: skip
        def attack(route, content, sent, query, number, trusted, logged_in):
            pattern, method = route
            kind, body = content
            cookies = dict(self.opener.cookies.items())
            if not logged_in:
                del cookies["session_id"]
            if trusted and kind != "application/json" and "multipart" not in kind:
                body += f"&csrf_token={csrf}".encode()
            sent = {
                "Content-Type": kind, "Accept": "application/json", **sent,
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
                **(signing.sign(SECRET, body) if trusted else {}),
                **({"Authorization": f"Bearer {self.token}"} if trusted else {}),
            }  # fmt: skip
            path = re.sub("<.*?>", quote(number, safe="%", errors="surrogatepass"), pattern)
            if query:
                path += "?" + urlencode(query, errors="surrogatepass")
            errors.seen.clear()
            status = self.send(method, path, body if method == "POST" else None, sent)
            statuses[route, status] = statuses.get((route, status), 0) + 1
            self.assertLess(status, 500, (method, path, sent, body))
            self.assertFalse(errors.seen, (method, path, sent, body))

        with requests_allowed(self), mute_logger("odoo.addons.influencegen.controllers.callback"):
            attack()
        self.assertEqual({route for route, status in statuses if status}, set(routes))
