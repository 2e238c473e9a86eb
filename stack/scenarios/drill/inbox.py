"""The notifications that came to the simulator of pager, chat and mail."""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import requests

from stack.polling import wait_until
from stack.system import System

WHERE = re.compile(r"^Where: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Notification:
    """One alert in one notification; `at` is when it was found, in seconds of the monotonic clock."""

    at: float
    channel: str
    alert: str
    severity: str
    team: str
    firing: bool
    text: str

    @property
    def about(self) -> tuple[str, str, str]:
        """The key that all notifications about an alert on one channel share."""
        where = WHERE.search(self.text)
        return self.channel, self.alert, where[1] if where else ""


class Inbox:
    """All notifications since this object was created, oldest first."""

    def __init__(self, system: System):
        self._url = system.url("receiver", "/alerts")
        self._last = max((alert["message"] for alert in self._fetch()), default=0)
        self.notifications: list[Notification] = []

    def read(self) -> list[Notification]:
        """Fetch new notifications, and return all of them."""
        now = time.monotonic()
        new = [alert for alert in self._fetch() if alert["message"] > self._last]
        for alert in new:
            self.notifications.append(Notification(
                now, alert["channel"], alert["labels"]["alertname"], alert["labels"]["severity"],
                alert["labels"]["team"], alert["status"] == "firing", alert["text"],
            ))  # fmt: skip
        self._last = max((alert["message"] for alert in new), default=self._last)
        return self.notifications

    def wait(self, wanted: Callable[[Notification], bool], channels: Iterable[str], since: float,
             within: float) -> dict[str, Notification]:  # fmt: skip
        """Return the first such notification of each channel, once all have come, or so many seconds have passed."""
        found: dict[str, Notification] = {}

        def all_came() -> bool:
            for notification in self.read():
                if notification.at >= since and wanted(notification):
                    found.setdefault(notification.channel, notification)
            return found.keys() >= set(channels)

        wait_until(all_came, within, pause=0.3)
        return found

    def unresolved(self) -> list[Notification]:
        """Return the firing notifications that are not resolved yet."""
        latest = {notification.about: notification for notification in self.read()}
        return [notification for notification in latest.values() if notification.firing]

    def _fetch(self) -> list[dict[str, Any]]:
        response = requests.get(self._url, timeout=10)
        response.raise_for_status()
        alerts: list[dict[str, Any]] = response.json()
        return alerts
