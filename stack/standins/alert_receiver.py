"""Receives Alertmanager's webhooks: prints each alert on a line and keeps the last ones.

``POST /alerts`` is Alertmanager's webhook; ``GET /alerts`` answers the alerts received, oldest first.
"""

from collections import deque

from aiohttp import web

from .server import StandIn, json_object, main

KEPT = 1000


class AlertReceiver(StandIn):
    control = {**StandIn.control, "latency": {"median": 0.0, "sigma": 0.0}}

    def __init__(self, state_dir=None):
        super().__init__(state_dir)
        self.alerts = deque(maxlen=KEPT)

    def routes(self):
        return [web.post("/alerts", self.receive), web.get("/alerts", self.list)]

    def log(self):
        return {**super().log(), "alerts": list(self.alerts)}

    def restore(self, log):
        super().restore(log)
        self.alerts.extend(log["alerts"])

    async def receive(self, request):
        notification = await json_object(request)
        for alert in notification.get("alerts", []):
            self.alerts.append(alert)
            labels, annotations = alert.get("labels", {}), alert.get("annotations", {})
            print(f"{alert.get('status', '').upper()} {labels.get('alertname')} [{labels.get('severity')}]"
                  f" {annotations.get('summary')} {annotations.get('runbook_url')}", flush=True)
        return web.json_response({"status": "ok"})

    async def list(self, request):
        return web.json_response(list(self.alerts))


if __name__ == "__main__":
    main(AlertReceiver, port=8092)
