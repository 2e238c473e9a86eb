"""Agents scrape two clusters in which all is named alike; vmalert evaluates the rules in the storage behind them."""

import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from stack.provide import debian
from stack.services import prometheus
from stack.services.processes import Program
from tests.waiting import until

from .conftest import ROOT
from .servers import Server

pytestmark = pytest.mark.servers

RULES = ROOT / "prometheus" / "rules"
STORAGE = "https://metrics.example.com"
EXPOSITION = """\
odoo_concurrent_users{{database="x",user_role="user"}} 3
odoo_telemetry_threshold{{database="x",name="concurrent_users"}} {threshold}
odoo_orm_cache_hits_total {hits}
odoo_orm_cache_misses_total {misses}
"""
CLUSTERS = {"eu": {"threshold": 2, "hits": 80, "misses": 20}, "us": {"threshold": 4, "hits": 20, "misses": 80}}
"""The threshold of users, and how much the counters grow each second."""


def documented(name):
    """Return a file of docs/scaling.md: the block that begins with its name."""
    return re.search(rf"```yaml\n# {re.escape(name)}\n(.+?)```", (ROOT / "docs" / "scaling.md").read_text(), re.DOTALL)[
        1
    ]


def victoria(name):
    """Return the path of a program of VictoriaMetrics."""
    return debian.program(name, "victoria-metrics")


class Odoo(BaseHTTPRequestHandler):
    def do_GET(self):
        cluster, seconds = CLUSTERS[self.path.strip("/")], time.monotonic() - self.server.begun
        counters = {name: int(cluster[name] * seconds) for name in ("hits", "misses")}
        body = EXPOSITION.format(**{**cluster, **counters}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def odoo():
    """The address of a server that answers as a server of each cluster."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Odoo) as server:
        server.begun = time.monotonic()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def agent(layout, cluster, odoo, storage):
    """Write the documented configuration of an agent for a cluster; return its path."""
    content = yaml.safe_load(documented("agent.yml").replace("odoo-1.example.com:8069", odoo).replace(STORAGE, storage))
    content["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "external_labels": {"cluster": cluster}}
    [job] = content["scrape_configs"]
    job["metrics_path"] = f"/{cluster}"
    job["relabel_configs"] = [{"target_label": "instance", "replacement": "odoo-1"}]
    (layout.state / "token").write_text("token")
    path = layout.state / f"{cluster}.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_rules_behind_agents_keep_clusters_apart(layout, running, odoo):
    state, ports = layout.state, layout.ports
    url, alerting = (f"http://127.0.0.1:{port}" for port in (ports.victoria_5m, ports.alertmanager))
    storage = running(Server(Program("storage", [
        victoria("victoria-metrics"), f"-storageDataPath={state}/data", "-search.latencyOffset=1s",
        f"-httpListenAddr=127.0.0.1:{ports.victoria_5m}",
    ]), url, state, ready="/health"))  # fmt: skip
    running(Server(Program("prometheus-agent", [
        prometheus.executable("prometheus"), "--agent", f"--config.file={agent(layout, 'eu', odoo, url)}",
        f"--storage.agent.path={state}/agent", f"--web.listen-address=127.0.0.1:{ports.prometheus}",
    ]), f"http://127.0.0.1:{ports.prometheus}", state))  # fmt: skip
    scraping = yaml.safe_load(agent(layout, "us", odoo, url).read_text())
    del scraping["remote_write"]
    (state / "us.yml").write_text(yaml.safe_dump(scraping))
    running(Server(Program("vmagent", [
        victoria("vmagent"), f"-promscrape.config={state}/us.yml", f"-remoteWrite.url={url}/api/v1/write",
        f"-remoteWrite.tmpDataPath={state}/vmagent", f"-httpListenAddr=127.0.0.1:{ports.node}",
    ]), f"http://127.0.0.1:{ports.node}", state, ready="/health"))  # fmt: skip
    vmalert = running(Server(Program("vmalert", [
        victoria("vmalert"), f"-rule={RULES}/odoo_*.yml", f"-datasource.url={url}", f"-remoteRead.url={url}",
        f"-remoteWrite.url={url}", "-notifier.blackhole", "-evaluationInterval=1s", "-rule.evalDelay=1s",
        "-remoteWrite.flushInterval=1s", f"-httpListenAddr=127.0.0.1:{ports.alertmanager}",
    ]), alerting, state, ready="/health"))  # fmt: skip

    def now(query):
        """Return the value of each cluster."""
        return {labels["cluster"]: value for labels, value in storage.query(query, time.time())}

    ratio = "telemetry:odoo_orm_cache_hit_ratio:percent_5m"
    until(lambda: now(ratio).keys() == CLUSTERS.keys(), "the ratio of each cluster is recorded")
    # vmalert evaluates a rule with what the preceding rule recorded in the previous round
    until(lambda: now(ratio)["us"] < 50 < now(ratio)["eu"], "it is that of the cluster")
    until(lambda: now('ALERTS{alertname="OdooConcurrentUsersHigh"}') == {"eu": 1}, "an alert is pending")
    assert vmalert.metric("vmalert_recording_rules_errors_total") == 0
    assert vmalert.metric("vmalert_alerting_rules_errors_total") == 0


def test_vmalert_loads_all_rules():
    command = [victoria("vmalert"), "-dryRun", f"-rule={RULES}/*.yml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"found {len(list(RULES.glob('*.yml')))} files" in done.stderr


def test_prometheus_accepts_the_documented_service_discoveries(tmp_path):
    (tmp_path / "token").write_text("token")
    (tmp_path / "targets").mkdir()
    for name in ("prometheus.yml", "targets/odoo-eu.yml", "agent.yml"):
        (tmp_path / name).write_text(documented(name))
    (tmp_path / "rules").symlink_to(RULES)
    promtool = [prometheus.executable("promtool"), "check", "config", "--lint=all"]
    for command in ([*promtool, tmp_path / "prometheus.yml"], [*promtool, "--agent", tmp_path / "agent.yml"]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
