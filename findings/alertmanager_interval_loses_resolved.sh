#!/bin/sh
# Alertmanager 0.33.1 (Debian's prometheus-alertmanager 0.33.1-5): the end of an alert that falls outside its route's
# active time interval.
#
# Expected: a receiver with send_resolved that was sent "firing" inside the interval is sent "resolved" too, at the
# latest when the interval restarts. The documentation: "The route will send notifications only when active, but
# otherwise acts normally" (https://prometheus.io/docs/alerting/latest/configuration/#route).
# Observed: "resolved" is never sent. The group is flushed outside the interval, which sends nothing, and the resolved
# alert is forgotten as if it had been sent. The maintainers discuss it for all that mutes a route
# (https://github.com/prometheus/alertmanager/pull/4634).
# Why it matters: what opens an incident on "firing" and closes it on "resolved" keeps it open for good if the alert
# ends at night. Keep alerts from starting outside working hours by Prometheus' rules, and let their end through at any
# time.
#
# It takes two to three minutes, because intervals begin and end at whole minutes; listens on 127.0.0.1 alone; needs
# apt-get, dpkg and python3 on Debian, and takes the package from the mirror that the machine's own apt sources name.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/lists/partial"
mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' | grep -m 1 '/debian/\?$') ||
    { echo "The apt sources name no mirror of Debian, or were never updated." >&2; exit 2; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$place/sources.list"
apt() {
    (cd "$place" && apt-get -qq -oDir::Etc::SourceList="$place/sources.list" -oDir::Etc::SourceParts=/dev/null \
        -oDir::State::Lists="$place/lists" -oDir::Cache="$place" -oAPT::Sandbox::User= -oAcquire::Languages=none "$@")
}
apt update
apt download prometheus-alertmanager=0.33.1-5
dpkg -x "$place"/*.deb "$place/root"
# Debian's program looks for its templates where the package would be installed: have it look in its working folder
LC_ALL=C sed -i 's|/usr/share/prometheus/alertmanager|usr//share/prometheus/alertmanager|g' \
    "$place/root/usr/bin/prometheus-alertmanager"
found=$(timeout 300 python3 - "$place" <<'PYTHON'
import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from urllib.error import URLError
from urllib.request import Request, urlopen

place = Path(sys.argv[1])
sent = {"always": [], "interval": []}


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent[message["receiver"]].append(message["status"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def minute(start, number):
    """Return the range of the minute that is so many after the start."""
    at = (start.hour * 60 + start.minute + number) % 1440
    first, last = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (at, at + 1))
    return {"times": [{"start_time": first, "end_time": last}]}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return urlopen(Request(address + path, data=data, headers=headers), timeout=5).status


def until(condition):
    deadline = time.monotonic() + 100
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"Waited in vain. Sent: {sent}. Alertmanager's log:\n{(place / 'log').read_text()}")
        time.sleep(0.1)


def answers():
    with suppress(URLError):
        return call("/-/ready") == 200


def notify(**times):
    call("/api/v2/alerts", [{"labels": {"alertname": "DiskFull"}, **times}])


def now():
    return datetime.now(timezone.utc)


receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
with create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
address = f"http://127.0.0.1:{port}"
until(lambda: now().second < 30)
start = now().replace(second=0, microsecond=0)
webhook = {"url": f"http://127.0.0.1:{receiver.server_port}/", "send_resolved": True}
(place / "alertmanager.yml").write_text(json.dumps({
    "route": {
        "receiver": "always", "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h",
        "routes": [
            {"receiver": "interval", "active_time_intervals": ["hours"], "continue": True},
            {"receiver": "always"},
        ],
    },
    "receivers": [{"name": name, "webhook_configs": [webhook]} for name in sent],
    # active for a minute, then not for a minute, then again
    "time_intervals": [{"name": "hours", "time_intervals": [minute(start, number) for number in (0, 2, 3)]}],
}))
with (place / "log").open("w") as log:
    alertmanager = subprocess.Popen(
        [place / "root/usr/bin/prometheus-alertmanager", f"--config.file={place}/alertmanager.yml",
         f"--storage.path={place}/data", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
        cwd=place / "root", stdout=log, stderr=log)
try:
    until(answers)
    notify(endsAt=(start + timedelta(hours=1)).isoformat())
    until(lambda: all("firing" in messages for messages in sent.values()))
    until(lambda: now() > start + timedelta(seconds=65))
    notify(endsAt=now().isoformat())
    until(lambda: "resolved" in sent["always"])
    until(lambda: now() > start + timedelta(seconds=145))
finally:
    alertmanager.kill()
for name, messages in sent.items():
    print(name, *messages)
PYTHON
)
echo "$found"
[ "$found" = "always firing resolved
interval firing" ] || { echo "This has changed." >&2; exit 1; }
