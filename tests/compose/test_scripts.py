"""What containers run at their start, run outside of containers: with the secrets and ports of the test.

The scripts of PostgreSQL's roles are run on a real server in tests/exporters, those of n8n in test_n8n.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest
import requests
import yaml

from stack.ports import Ports
from tests.waiting import until

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.servers


@pytest.fixture
def place(tmp_path):
    """A folder with secrets."""
    for folder in ("secrets", "web"):
        (tmp_path / folder).mkdir()
    for name in (
        "ai_service_token",
        "control_token",
        "prometheus_password",
        "alertmanager_password",
        "exporters_password",
    ):
        (tmp_path / "secrets" / name).write_text(f"{name} & /|\n")
    return tmp_path


def environment(place):
    # the first python is that of the tests
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(place)}


def run_here(service, place, *changes):
    """The command of a service with the secrets of the test, and with texts that are changed."""
    command = [word.replace("$$", "$").replace("/run/secrets", f"{place}/secrets") for word in service["command"]]
    for before, after in changes:
        assert any(before in word for word in command), before
        command = [word.replace(before, after) for word in command]
    return command


@pytest.mark.parametrize("name, port", [("ai-service", 8090), ("kyc-provider", 8091), ("alert-receiver", 8092)])
def test_a_simulator_serves_and_takes_its_token_from_the_secret(services, place, name, port):
    service, ports = services[name], Ports.free()
    variables = {
        key: value for key, value in service.get("environment", {}).items() if key != "OTEL_EXPORTER_OTLP_ENDPOINT"
    }
    if "SMTP_LISTEN" in variables:
        variables["SMTP_LISTEN"] = f"127.0.0.1:{ports.smtp}"
    command = run_here(service, place, ("0.0.0.0", "127.0.0.1"), (f"--port {port}", f"--port {ports.ai}"))
    process = subprocess.Popen(command, cwd=place, env={**environment(place), **variables})
    url = f"http://127.0.0.1:{ports.ai}"
    try:
        until(lambda: answered(f"{url}/health"), f"{name} answers")
        control = {"Authorization": "Bearer control_token & /|"}
        assert requests.put(f"{url}/control", json={}, timeout=10).status_code in (401, 403)
        assert requests.put(f"{url}/control", json={}, headers=control, timeout=10).ok
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(30)


def answered(url):
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def test_the_web_configurations_take_the_passwords_of_the_secrets(services, place):
    command = run_here(services["web-config"], place, ("/srv/web", f"{place}/web"))
    subprocess.run(command, cwd=place, env=environment(place), check=True)
    for file, secret in (("prometheus", "prometheus"), ("alertmanager", "alertmanager"), ("exporters", "exporters")):
        users = yaml.safe_load((place / "web" / f"{file}.yml").read_text())["basic_auth_users"]
        assert bcrypt.checkpw(f"{secret}_password & /|".encode(), users["influencegen"].encode())
