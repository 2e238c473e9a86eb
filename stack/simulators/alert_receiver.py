"""Receives what Alertmanager sends, as the pager, the chat and the mail server of on-call.

``POST /pager`` takes events as PagerDuty's Events API v2 does, ``POST /chat`` messages as Slack does; mail comes by
SMTP to $SMTP_LISTEN (default 127.0.0.1:8025). Each alert is read from the text that people read, printed on a line and
kept: ``GET /alerts`` answers the last ones, oldest first, each with

* ``channel`` (pager, chat, mail) and ``to`` (the pager's group, the chat's channel, the addresses of the mail),
* ``status`` (firing, resolved), ``labels`` (alertname, severity, team) and ``text``: what is said of this alert,
* ``title`` and ``message`` of the notification it came in: alerts of one notification share the number.

``POST /heartbeat`` is Alertmanager's webhook for the dead man's switch; ``GET /heartbeat`` answers how many came, and
the ``last`` (seconds since 1970).
"""

import asyncio
import email
import email.policy
import os
import re
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from .server import Simulator, json_object, main

KEPT = 1000
# The first line of an alert, as prometheus/alertmanager/templates/influencegen.tmpl writes it.
ALERT = re.compile(
    r"^(?P<status>FIRING|RESOLVED) (?P<alertname>\w+) \((?P<severity>\w*), (?P<team>\w*)\)$", re.MULTILINE
)


def alerts_in(text: str) -> Iterator[dict[str, Any]]:
    """The alerts that a notification's text is about: their ``status``, ``labels`` and ``text``."""
    starts = [match.start() for match in ALERT.finditer(text)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        [labels] = (match.groupdict() for match in ALERT.finditer(text, start, end))
        yield {"status": labels.pop("status").lower(), "labels": labels, "text": text[start:end].strip()}


class AlertReceiver(Simulator):
    control = {**Simulator.control, "latency": {"median": 0.0, "sigma": 0.0}}

    def __init__(self, state_dir: Path | None = None):
        super().__init__(state_dir)
        self.alerts: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self.heartbeat: dict[str, Any] = {"count": 0, "last": None}
        self.messages = 0

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/pager", self.page),
            web.post("/chat", self.chat),
            web.get("/alerts", self.list_alerts),
            web.post("/heartbeat", self.beat),
            web.get("/heartbeat", self.show_heartbeat),
        ]

    def log(self) -> dict[str, Any]:
        return {**super().log(), "alerts": list(self.alerts), "heartbeat": self.heartbeat, "messages": self.messages}

    def restore(self, log: Mapping[str, Any]) -> None:
        super().restore(log)
        self.alerts.extend(log["alerts"])
        self.heartbeat, self.messages = log["heartbeat"], log["messages"]

    def application(self) -> web.Application:
        app = super().application()
        app.cleanup_ctx.append(self._serve_mail)
        return app

    def take(self, channel: str, to: str, title: str, text: str) -> None:
        """Keep the alerts of one notification."""
        self.messages += 1
        for alert in alerts_in(text):
            self.alerts.append({"channel": channel, "to": to, "title": title, "message": self.messages, **alert})
            print(f"{channel} to {to}: {alert['text'].splitlines()[0]}", flush=True)

    async def page(self, request: web.Request) -> web.Response:
        event = await json_object(request)
        if not event.get("routing_key"):
            raise web.HTTPBadRequest(text="no routing_key")
        payload = event["payload"]
        text = "\n".join(payload["custom_details"].get(state) or "" for state in ("firing", "resolved"))
        self.take("pager", payload.get("group", ""), payload["summary"], text)
        return web.json_response({"status": "success", "dedup_key": event.get("dedup_key")}, status=202)

    async def chat(self, request: web.Request) -> web.Response:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.json_response({"ok": False, "error": "not_authed"})
        message = await json_object(request)
        [attachment] = message["attachments"]
        self.take("chat", message["channel"], attachment["title"], attachment["text"])
        return web.json_response({"ok": True})

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # as aiosmtpd calls it
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        plain = message.get_body(("plain",))
        text = "\n".join(plain.get_content().splitlines()) if plain else ""
        self.take("mail", ", ".join(envelope.rcpt_tos), message["Subject"], text)
        return "250 OK"

    async def list_alerts(self, request: web.Request) -> web.Response:
        return web.json_response(list(self.alerts))

    async def beat(self, request: web.Request) -> web.Response:
        await json_object(request)
        self.heartbeat = {"count": self.heartbeat["count"] + 1, "last": time.time()}
        return web.json_response({"status": "ok"})

    async def show_heartbeat(self, request: web.Request) -> web.Response:
        return web.json_response(self.heartbeat)

    async def _serve_mail(self, app: web.Application) -> AsyncIterator[None]:
        host, port = os.environ.get("SMTP_LISTEN", "127.0.0.1:8025").split(":")
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: SMTP(self, hostname="localhost"), host, int(port))
        except OSError as error:
            sys.exit(f"cannot listen for mail on {host}:{port}: {error.strerror}")
        yield
        server.close()


if __name__ == "__main__":
    main(AlertReceiver, port=8092)
