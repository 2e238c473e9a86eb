"""One client of the platform over HTTP, with a session of its own; not to be shared between threads."""

import re

import requests

TIMEOUT = 300
"""Seconds: enough for a worker that loads its addons, or installs some, beside everything else that is tested."""


class Refused(Exception):
    """The platform refused what was asked, and said why."""


class Failed(Exception):
    """The platform failed at what was asked: a status of 500 or more, or no JSON."""


class Client:
    """A client of the server at ``url``; ``database`` names the one it works with, where there are several."""

    def __init__(self, url, database=None):
        self.url = url
        self.session = requests.Session()
        self._csrf_token = None
        if database:
            self.get("/web/login", params={"db": database})

    def twin(self):
        """Return a client that is logged in as this one is."""
        twin = Client(self.url)
        twin.session.cookies.update(self.session.cookies)
        twin._csrf_token = self._csrf_token
        return twin

    def get(self, path, **options):
        """GET a path and return the response."""
        return self._checked(self.session.get(self.url + path, timeout=TIMEOUT, **options))

    def log_in(self, database, login, password):
        """Begin a session of the user, and return this client."""
        credentials = {"db": database, "login": login, "password": password}
        self._rpc("/web/session/authenticate", credentials)
        return self

    def register(self, email, **values):
        """Register an influencer through the JSON endpoint; raises Refused with the reason."""
        person = {"name": "Ada", "email": email, "birthdate": "1990-01-01", "consent": True, **values}
        return self._json(self.session.post(f"{self.url}/influencegen/api/register", json=person, timeout=TIMEOUT))

    def call(self, model, method, *arguments, **keywords):
        """Call a public method of a model and return its result; raises Refused."""
        parameters = {"model": model, "method": method, "args": arguments, "kwargs": keywords}
        return self._rpc(f"/web/dataset/call_kw/{model}/{method}", parameters)

    def submit(self, path, files=None, **form):
        """Submit a form of the portal and return its JSON answer; raises Refused with the reason."""
        if self._csrf_token is None:
            self._csrf_token = re.search(r'csrf_token: "(\w+)"', self.get("/my/influencegen").text)[1]
        response = self.session.post(
            self.url + path, data={"csrf_token": self._csrf_token, **form}, files=files,
            headers={"Accept": "application/json"}, timeout=TIMEOUT, allow_redirects=False,
        )  # fmt: skip
        return self._json(response)

    def _rpc(self, path, parameters):
        answer = self._json(self.session.post(
            self.url + path, json={"jsonrpc": "2.0", "method": "call", "params": parameters}, timeout=TIMEOUT
        ))  # fmt: skip
        if "error" in answer:
            raise Refused(answer["error"].get("data", {}).get("message") or answer["error"]["message"])
        return answer.get("result")

    def _json(self, response):
        if "json" not in self._checked(response).headers.get("Content-Type", ""):
            raise Failed(f"{response.request.method} {response.url}: {response.status_code}, {response.headers}")
        answer = response.json()
        if response.status_code >= 400:
            raise Refused(answer["error"])
        return answer

    @staticmethod
    def _checked(response):
        if response.status_code >= 500:
            raise Failed(f"{response.request.method} {response.url}: {response.status_code} {response.text[:300]}")
        return response
