"""A client of Odoo for people of the back office: JSON-RPC in a session, as Odoo's web client does."""

from typing import Any

import requests

from stack.services.odoo import DATABASE


class RefusedError(Exception):
    """Odoo refused what was asked, or failed at it."""


class OdooClient:
    """A session of one user; not to be shared between threads."""

    def __init__(self, url: str, login: str, password: str):
        self._url = url
        self._session = requests.Session()
        self._ask("/web/session/authenticate", db=DATABASE, login=login, password=password)

    def call(self, model: str, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a public method of a model and return its result; raises RefusedError with Odoo's own words."""
        return self._ask("/web/dataset/call_kw", model=model, method=method, args=arguments, kwargs=keywords)

    def _ask(self, path: str, **parameters: Any) -> Any:
        request = {"jsonrpc": "2.0", "method": "call", "params": parameters}
        response = self._session.post(f"{self._url}{path}", json=request, timeout=120)
        response.raise_for_status()
        answer = response.json()
        if "error" in answer:
            raise RefusedError(answer["error"].get("data", {}).get("message") or answer["error"]["message"])
        return answer.get("result")
