"""The quarterly review: which alerts fired, which never did, what is silenced, and which metrics nobody uses.

``python prometheus/review.py`` asks a running Prometheus, and the Alertmanager that it knows; docs/alerting.md says
what to make of the answer.
"""

import argparse
import re
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[1]
ACCOUNT = "influencegen"
# The jobs whose metrics are the project's own.
OWN = 'job=~"influencegen-.+|gpu|backup|slow-queries"'
# Resolution of the review: firings of an alert less than 5 minutes apart count as one.
STEP_MINUTES = 5
FIRING = 'ALERTS{alertstate="firing"}'
PARTS_OF_HISTOGRAMS = re.compile(r"_(bucket|sum|count)$")


class Prometheus:
    """The HTTP API at ``url``; ``passwords`` is the folder with its password and Alertmanager's, if they want any."""

    def __init__(self, url: str, passwords: Path | None = None):
        self.url, self.passwords = url, passwords

    def credential(self, server: str) -> tuple[str, str] | None:
        """Return what requests takes to log in to prometheus or alertmanager."""
        return (ACCOUNT, (self.passwords / server).read_text().strip()) if self.passwords else None

    def get(self, path: str, **parameters: str) -> Any:
        """Return the ``data`` of an answer; raise requests.HTTPError with what Prometheus says is wrong."""
        answer = requests.get(f"{self.url}/api/v1/{path}", parameters, auth=self.credential("prometheus"), timeout=120)
        if not answer.ok:
            raise requests.HTTPError(f"{answer.url}: {answer.text.strip()}")
        return answer.json()["data"]

    def values(self, query: str, label: str) -> dict[str, float]:
        """Return the values of a query's series by one of their labels."""
        result = self.get("query", query=query)["result"]
        return {series["metric"].get(label, ""): float(series["value"][1]) for series in result}


def seen_days(prometheus: Prometheus, days: int) -> float:
    """Return how many of the last ``days`` days Prometheus has data of."""
    oldest = prometheus.values(f"min(min_over_time(timestamp(up)[{days}d:1h]))", "")
    return (time.time() - oldest[""]) / 86400 if oldest else 0.0


def fired(prometheus: Prometheus, days: int) -> dict[str, tuple[int, float]]:
    """Return {alert: (how often it began to fire, hours that it fired)}, the most frequent first.

    Each series of an alert counts, so two disks that fill are two.
    """
    window = f"[{days}d:{STEP_MINUTES}m]"
    began = f"{FIRING} unless {FIRING} offset {STEP_MINUTES}m"
    times = prometheus.values(f"sum by (alertname) (count_over_time(({began}){window}))", "alertname")
    steps = prometheus.values(f"sum by (alertname) (count_over_time({FIRING}{window}))", "alertname")
    counted = {name: (round(times.get(name, 0)), steps[name] * STEP_MINUTES / 60) for name in steps}
    return dict(sorted(counted.items(), key=lambda item: item[1], reverse=True))


def rules(prometheus: Prometheus) -> list[dict[str, Any]]:
    """Return the rules that Prometheus evaluates, as its API returns them."""
    return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]


def unused(prometheus: Prometheus) -> list[str]:
    """Return the names of metrics that no rule, dashboard or runbook names; a histogram by its base name."""
    names = prometheus.values(f"count by (__name__) ({{{OWN}}})", "__name__").keys()
    texts = [rule["query"] for rule in rules(prometheus)]
    for pattern in ("grafana_dashboards/*/**/*.json", "docs/runbooks/*/*.md"):
        texts += [path.read_text() for path in ROOT.glob(pattern)]
    used = {base(word) for text in texts for word in re.findall(r"\w+", text)}
    recorded = {rule["name"] for rule in rules(prometheus)}
    of_scrapes = {name for name in names if name == "up" or name.startswith("scrape_")}
    return sorted({base(name) for name in names - recorded - of_scrapes} - used)


def base(name: str) -> str:
    """Return a series' name without what a histogram appends."""
    return PARTS_OF_HISTOGRAMS.sub("", name)


def silences(prometheus: Prometheus) -> list[str]:
    """Return the active silences, one line each, from every Alertmanager that Prometheus knows."""
    lines = []
    for found in prometheus.get("alertmanagers")["activeAlertmanagers"]:
        url = found["url"].replace("/alerts", "/silences")
        answer = requests.get(url, auth=prometheus.credential("alertmanager"), timeout=30)
        answer.raise_for_status()
        for silence in answer.json():
            if silence["status"]["state"] == "active":
                what = ", ".join(f"{matcher['name']}={matcher['value']}" for matcher in silence["matchers"])
                lines.append(f"{what}  until {silence['endsAt'][:16]}, by {silence['createdBy']}: {silence['comment']}")
    return sorted(set(lines))


def report(prometheus: Prometheus, days: int) -> str:
    """Return the whole review as text."""
    firings = fired(prometheus, days)
    never = sorted({rule["name"] for rule in rules(prometheus) if rule["type"] == "alerting"} - firings.keys())
    sent = prometheus.values(
        f"sum by (integration) (increase(alertmanager_notifications_total[{days}d])) > 0", "integration"
    )
    sections = {
        "Fired, most often first (times fired, hours firing)": [
            f"{name:40} {times:6} {hours:8.1f}" for name, (times, hours) in firings.items()
        ],
        "Never fired": never,
        "Notifications by channel": [f"{channel:40} {count:6.0f}" for channel, count in sorted(sent.items())],
        "Active silences": silences(prometheus),
        "Metrics that no rule, dashboard or runbook uses": unused(prometheus),
    }
    seen = seen_days(prometheus, days)
    head = [f"Prometheus has data for {min(seen, days):.0f} of the last {days} days."]
    for title, lines in sections.items():
        head += ["", title, "-" * len(title), *(lines or ["none"])]
    return "\n".join(head)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address (default: %(default)s)")
    parser.add_argument(
        "--passwords",
        type=Path,
        help=f"folder with the files `prometheus` and `alertmanager`, which hold the passwords of the user {ACCOUNT}",
    )
    parser.add_argument("--days", type=int, default=90, help="how far back (default: %(default)s)")
    options = parser.parse_args()
    print(report(Prometheus(options.prometheus, options.passwords), options.days))
