"""The stages of the AI image path, each counted at both ends: by the caller and by the called service."""

from collections import Counter
from typing import Any

import requests

from stack.services import n8n
from stack.services.odoo_client import OdooClient
from stack.system import System
from stack.verify import reconcile
from stack.verify.reconcile import Labels, Line

WEBHOOK = "api_odoo_to_n8n_webhook"
AI = "api_n8n_to_aiservice"
CALLBACK = "api_n8n_to_odoo_callback"
IMAGE = "influencegen.image"
FINAL = ("done", "failed", "timed_out")

Values = dict[tuple[str, Labels], float]
Rows = Counter[tuple[str, Labels]]


class Stages:
    """What the stages have done since this object was created; create it while no image is in progress."""

    def __init__(self, system: System, admin: OdooClient):
        self._system = system
        self._admin = admin
        self._ended = {call for call, *_rest, status in self._calls() if status}
        self._tries = set(self._access_log())
        self._last_image = last_image(admin)
        self._before = self._counters()

    def lines(self) -> list[Line]:
        """Return a line for each stage and status class that was met.

        The rows are Odoo's images (its webhooks and the callbacks that it accepted), the AI service's access log (its
        requests), and n8n's table of calls (other callbacks, and calls to the AI service that ended with neither an
        answer nor a timeout).
        """
        rows = self._rows()
        names = _names()
        compared = reconcile.lines(
            rows,
            self._since_then(self._counters(), rows),
            self._since_then(reconcile.stored(self._system, names), rows),
            names,
        )
        return [line for line in compared if line.rows or line.counter or line.prometheus]

    def _since_then(self, values: Values, rows: Rows) -> Values:
        """Return what was counted since; of the webhooks only those that n8n took, for only they leave rows."""
        return {
            key: value - self._before.get(key, 0.0)
            for key, value in values.items()
            if not key[0].startswith(WEBHOOK) or key in rows
        }

    def _counters(self) -> Values:
        return {**reconcile.exposed(self._system, _names()), **reconcile.exposed_by_n8n(self._system, _names())}

    def _access_log(self) -> dict[str, str]:
        """Return the statuses that the AI service answered, by the id of the try; 'none' if the caller hung up."""
        response = requests.get(self._system.url("ai", "/log"), timeout=30)
        response.raise_for_status()
        tries: dict[str, str] = response.json()["tries"]
        return tries

    def _calls(self) -> list[tuple[Any, ...]]:
        """Return n8n's calls: id, image, api, endpoint, and the status class, None until the call has ended."""
        calls = "SELECT call_id, request_id::text, api, endpoint, status_class FROM influencegen.call"
        return n8n.query(self._system.layout, calls)

    def _rows(self) -> Rows:
        rows: Rows = Counter()
        images = [("id", ">", self._last_image)]
        accepted = [*images, ("accepted_at", "!=", False)]
        rows[_answered(WEBHOOK, "image", "2xx")] = self._admin.call(IMAGE, "search_count", accepted)
        unheard = set()
        ended = {
            image["uuid"]
            for image in self._admin.call(IMAGE, "search_read", [*images, ("state", "in", FINAL)], ["uuid"])
        }
        taken = set()
        for call, image, api, endpoint, status in self._calls():
            if call in self._ended:
                continue
            if api == CALLBACK and status == "2xx":
                taken.add(image)
            elif api == CALLBACK or status not in ("2xx", "3xx", "4xx", "5xx", "timeout"):
                _add(rows, api, endpoint, status)
                unheard.add(call)
        rows[_answered(CALLBACK, "image_callback", "2xx")] = len(taken & ended)
        for call, status in self._access_log().items():
            if call not in self._tries and call not in unheard:
                _add(rows, AI, "images", "timeout" if status == "none" else f"{status[0]}xx")
        return rows


def last_image(admin: OdooClient) -> int:
    """Return the id of the newest image, or 0."""
    return max(admin.call(IMAGE, "search", [], limit=1, order="id desc"), default=0)


def _names() -> list[str]:
    suffixes = ("latency_seconds_count", "errors_total")
    return [f"{api}_{suffix}" for api in (WEBHOOK, AI, CALLBACK) for suffix in suffixes]


def _add(rows: Rows, api: str, endpoint: str, status: str) -> None:
    # what was never sent, or whose end nobody saw, took no known time
    if status not in ("circuit_open", "interrupted"):
        rows[_answered(api, endpoint, status)] += 1
    if status != "2xx":
        rows[f"{api}_errors_total", _labels(endpoint, status)] += 1


def _answered(api: str, endpoint: str, status: str) -> tuple[str, Labels]:
    return f"{api}_latency_seconds_count", _labels(endpoint, status)


def _labels(endpoint: str, status: str) -> Labels:
    return frozenset({("endpoint", endpoint), ("http_method", "POST"), ("status_code_class", status)})
