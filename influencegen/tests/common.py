import json
import threading
from contextlib import nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch
from urllib.parse import urlsplit

from tenacity import wait_none

from odoo.tests import new_test_user
from odoo.tests.common import _super_send

from ..models import api

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\nxref\n0 1\n0000000000 65535 f \ntrailer\n<<>>\nstartxref\n29\n%%EOF\n"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63606060f80f00010401005fe5c34b0000000049454e44ae426082"
)


def forbid_commit(cr):
    """Have ``cr`` refuse to be committed, as queue_job does with the cursor of a job while that is performed."""

    def commit():
        raise RuntimeError("Commit is forbidden in queue jobs.")

    return patch.object(cr, "commit", commit)


class Service:
    """An HTTP server on a free port that answers every POST as configured, and keeps what it was sent.

    `answers` maps a path to a list of (status, body), of which the first is taken each time and the last stays, or to
    a function of the request's JSON that returns one. A body that is not bytes is sent as JSON; with the status None
    the connection closes without an answer. `received` lists (path, headers, body).
    """

    def __init__(self):
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                service.received.append((self.path, self.headers, body))
                status, answer = service._answer(self.path, body)
                if status is None:
                    return
                if not isinstance(answer, bytes):
                    answer = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                with suppress(BrokenPipeError):
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *args):
                """Say nothing: tests look at `received`."""

        self.answers = {}
        self.received = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _answer(self, path, body):
        answer = self.answers.get(path, [(404, {})])
        if callable(answer):
            return answer(json.loads(body))
        return answer.pop(0) if len(answer) > 1 else answer[0]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def requests_allowed(case):
    """Return a context in which Odoo takes requests with the cookies of an HttpCase's `opener`; 18.0 always does."""
    return case.allow_requests() if hasattr(case, "allow_requests") else nullcontext()


class InfluenceGenCase:
    """Users of each group, influencers, and a real service to call: mixed into TransactionCase or HttpCase."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for group in ("campaign_manager", "kyc_reviewer", "finance", "administrator"):
            setattr(cls, group, new_test_user(cls.env, f"ig-{group}", groups=f"influencegen.group_{group}"))
        cls.employee = new_test_user(cls.env, "ig-employee", groups="base.group_user")
        cls.other_company = cls.env["res.company"].create({"name": "Another company"})
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)

    def setUp(self):
        super().setUp()
        self.service.answers.clear()
        self.service.received.clear()
        api._breakers.clear()
        self.addCleanup(api._breakers.clear)
        self.startPatcher(patch.object(api, "WAIT", wait_none()))

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        """Let requests reach this machine with the time-out they ask for, which Odoo's tests lengthen."""
        if urlsplit(request.url).hostname in ("127.0.0.1", "localhost"):
            return _super_send(session, request, **kwargs)
        return super()._request_handler(session, request, **kwargs)

    def set_parameter(self, name, value):
        self.env["ir.config_parameter"].set_param(f"influencegen.{name}", value)

    def registration(self, email="ada@example.com", **values):
        """Return the values of a registration that is accepted, but for what `values` change."""
        return {
            "name": "Ada Okafor",
            "email": email,
            "birthdate": "1994-05-12",
            "consent": True,
            "handles": [{"platform": "instagram", "handle": "ada.bakes"}],
            **values,
        }

    def register(self, email="ada@example.com", **values):
        """Return an influencer who has registered on the portal."""
        return self.env["influencegen.influencer"]._sign_up(self.registration(email, **values), "portal")

    def submitted_kyc(self, email="ada@example.com"):
        """Return the KYC submission of a new influencer who has sent a document."""
        kyc = self.register(email).kyc_ids
        kyc._submit_document("passport", "passport.png", PNG)
        return kyc

    def active_influencer(self, email="ada@example.com"):
        """Return an influencer who has passed KYC."""
        kyc = self.submitted_kyc(email)
        kyc._decide("approved", verification_type="automated")
        return kyc.influencer_id
