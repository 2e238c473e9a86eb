"""The rules of any Odoo work without InfluenceGen, with the configuration that docs/rules.md gives."""

import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import yaml

from odoo_telemetry.metrics import catalogue
from prometheus.generator.rules import RUNBOOKS
from stack.ports import Ports
from stack.services import prometheus
from tests.promql import matchers, selectors
from tests.waiting import until

from . import promtool

FILES = sorted(promtool.RULES.glob("odoo_*.yml"))
GROUPS = promtool.groups(*(path.stem for path in FILES))
OTHERS = re.compile(r"(node|pg|namedprocess|probe|prometheus|alertmanager|scrape|postgresql_slow_queries)_\w+|up")
"""Series of exporters that anybody may run."""
EXPOSITION = """\
odoo_workers_configured{kind="http"} 4
odoo_workers_active{kind="http"} 3
odoo_telemetry_database_read_age_seconds{database="x"} 5
odoo_telemetry_database_read_age_seconds{database="y"} 5
odoo_telemetry_threshold{database="x",name="concurrent_users"} 2
odoo_concurrent_users{database="x",user_role="user"} 3
odoo_telemetry_threshold{database="y",name="concurrent_users"} 4
odoo_concurrent_users{database="y",user_role="user"} 3
"""


def documented():
    """The configuration of Prometheus in docs/rules.md."""
    text = (promtool.RULES.parents[1] / "docs" / "rules.md").read_text()
    return re.search(r"## With any Odoo\n.+?```yaml\n(.+?)```", text, re.DOTALL)[1]


def test_they_name_nothing_of_the_platform(subtests):
    for path in FILES:
        with subtests.test(path.stem):
            text = path.read_text().replace(RUNBOOKS, "")
            assert not re.findall(r"influencegen|n8n|GPU", text, re.IGNORECASE)


def test_they_ask_for_series_that_any_odoo_has():
    rules = [rule for group in GROUPS for rule in group["rules"]]
    known = {rule["record"] for rule in rules if "record" in rule}
    for metric in (*catalogue.RUNTIME, *catalogue.EXPORTER):
        known |= {metric.name, *(f"{metric.name}_{part}" for part in ("bucket", "sum", "count"))}
    asked = {
        matcher.value
        for rule in rules
        for selector in selectors(rule["expr"])
        for matcher in matchers(selector)
        if matcher.name == "__name__"
    }
    assert len(asked) > 50
    assert {name for name in asked - known if not OTHERS.fullmatch(name)} == set()


def test_prometheus_accepts_the_configuration_of_the_documentation(tmp_path):
    assert len(documented().splitlines()) == 5
    (tmp_path / "prometheus.yml").write_text(documented())
    (tmp_path / "token").write_text("token")
    shutil.copytree(promtool.RULES, tmp_path / "rules")
    command = [prometheus.executable("promtool"), "check", "config", "--lint=all", tmp_path / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(FILES)} rule files found" in done.stdout


@pytest.mark.servers
def test_a_prometheus_with_these_rules_alone_evaluates_them(tmp_path):
    with exporter() as address:
        configuration = yaml.safe_load(documented())
        configuration["global"] = {"evaluation_interval": "1s", "scrape_interval": "1s", "scrape_timeout": "1s"}
        configuration["scrape_configs"][0]["static_configs"][0]["targets"] = [address]
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        (tmp_path / "token").write_text("token")
        (tmp_path / "rules").mkdir()
        for path in FILES:
            # nobody waits for the first evaluation of a group that is due every 5 minutes
            text = re.sub(r"^ +interval: .+\n", "", path.read_text(), flags=re.MULTILINE)
            (tmp_path / "rules" / path.name).write_text(text)
        with server(tmp_path) as url:
            until(lambda: answered(url, "max(up)") == ["1"], "Odoo is scraped")
            until(lambda: len(evaluated(url)) == len(GROUPS), "all groups are evaluated")
            rules = [rule for group in evaluated(url) for rule in group["rules"]]
            assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
            expected = {("DeadMansSwitch", ""), ("OdooWorkersMissing", ""), ("OdooConcurrentUsersHigh", "x")}
            until(lambda: pending(url) == expected, "these alerts are pending, and no others")


def evaluated(url):
    """The groups of rules that were evaluated since the start."""
    groups = requests.get(f"{url}/api/v1/rules", timeout=10).json()["data"]["groups"]
    return [group for group in groups if all(rule["health"] != "unknown" for rule in group["rules"])]


def pending(url):
    """Name and database of the alerts that are pending or firing."""
    query = {"query": "count by (alertname, database) (ALERTS)"}
    found = requests.get(f"{url}/api/v1/query", query, timeout=10).json()["data"]["result"]
    return {(series["metric"]["alertname"], series["metric"].get("database", "")) for series in found}


def answered(url, query):
    """The values of a query; none while Prometheus does not answer."""
    try:
        found = requests.get(f"{url}/api/v1/query", {"query": query}, timeout=10).json()
    except requests.RequestException:
        return []
    return [series["value"][1] for series in found["data"]["result"]]


@contextmanager
def exporter():
    """What an Odoo exposes, at the address that is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = EXPOSITION.encode() if self.headers["Authorization"] == "Bearer token" else b""
            self.send_response(200 if body else 401)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{found.server_port}"
        found.shutdown()


@contextmanager
def server(folder):
    """A Prometheus with the configuration in a folder, at the address that is given."""
    port = Ports.free().prometheus
    command = [
        prometheus.executable("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with open(folder / "log", "w") as log, subprocess.Popen(command, stdout=log, stderr=log) as running:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            running.kill()
