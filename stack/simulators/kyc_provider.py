"""Simulator for the KYC provider, which also pays.

``POST /verify/document`` and ``/verify/identity`` take JSON ``{reference, name, birthdate, document_type, document}``
(the document in base64) and answer ``{outcome, reason}``. ``POST /payments/transfer`` takes JSON
``{reference, amount, currency, recipient}`` and a header ``Idempotency-Key``, and answers ``{status, error}``: a key
gets the same answer every time, and moves money at most once. The log shows each transfer, and how often money moved.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from .server import Simulator, draw, json_object, main

REASONS = {"approved": "", "rejected": "the document is not genuine", "referred": "the document cannot be read"}


class KycProvider(Simulator):
    control = {
        **Simulator.control,
        "latency": {"median": 0.1, "sigma": 0.5},
        "outcomes": {"approved": 0.9, "rejected": 0.05, "referred": 0.05},
        "payments": {"paid": 0.95, "failed": 0.05},
    }

    def __init__(self, state_dir: Path | None = None):
        super().__init__(state_dir)
        self.transfers: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/verify/{step:document|identity}", self.verify),
            web.post("/payments/transfer", self.transfer),
        ]

    def log(self) -> dict[str, Any]:
        return {
            **super().log(),
            "transfers": self.transfers,
            "money_moved": sum(transfer["status"] == "paid" for transfer in self.transfers.values()),
        }

    def restore(self, log: Mapping[str, Any]) -> None:
        super().restore(log)
        self.transfers = log["transfers"]

    async def verify(self, request: web.Request) -> web.Response:
        submission = await json_object(request)
        missing = [key for key in ("reference", "name", "birthdate", "document_type") if not submission.get(key)]
        if missing:
            raise web.HTTPBadRequest(text=f"missing: {', '.join(missing)}")
        try:
            document = base64.b64decode(submission.get("document") or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            document = b""
        if not document:
            raise web.HTTPBadRequest(text="document is not base64")
        outcome = draw(self.control["outcomes"])
        return web.json_response({"outcome": outcome, "reason": REASONS[outcome]})

    async def transfer(self, request: web.Request) -> web.Response:
        order = await json_object(request)
        key, amount = request.headers.get("Idempotency-Key"), order.get("amount")
        if not key:
            raise web.HTTPBadRequest(text="no Idempotency-Key")
        if not isinstance(amount, int | float) or not amount > 0:
            raise web.HTTPBadRequest(text="amount takes a number above 0")
        if not all(order.get(name) for name in ("reference", "currency", "recipient")):
            raise web.HTTPBadRequest(text="reference, currency and recipient are needed")
        transfer = self.transfers.get(key)
        if transfer is None:
            transfer = self.transfers[key] = {"order": order, "status": draw(self.control["payments"]), "requests": 0}
        if transfer["order"] != order:
            raise web.HTTPUnprocessableEntity(text="the Idempotency-Key belongs to another transfer")
        transfer["requests"] += 1
        status = transfer["status"]
        return web.json_response({"status": status, "error": None if status == "paid" else "the bank refused"})


if __name__ == "__main__":
    main(KycProvider, port=8091)
