"""What tests across parts share: a whole running system, and the database of the addons' own tests."""

import os
import subprocess

import pytest


@pytest.fixture(scope="session")
def stack():
    """A running system of its own: Odoo with 4 workers, PostgreSQL, Prometheus, Alertmanager and the stand-ins."""
    from stack import system
    from stack.layout import Layout

    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the system that `make test` prepares")
    return system.up(Layout.from_environment())


@pytest.fixture
def database():
    """The name of the database that the addons' tests run on."""
    from odoo.tests.common import get_db_name

    return get_db_name()


@pytest.fixture(scope="session")
def chromium():
    """A real Chromium, driven by Playwright; each test opens a context of its own in it."""
    from playwright.sync_api import sync_playwright

    from stack import browser

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser.chromium())
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def ask(tmp_path_factory):
    """Function ask(endpoint, query): what the API of a real Prometheus with nothing in it answers for a query, as data.

    It fails with what Prometheus says is wrong.
    """
    import requests

    from stack import prometheus
    from stack.ports import Ports
    from tests.end_to_end.waiting import until

    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text("{}")
    address = f"127.0.0.1:{Ports.free().prometheus}"
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [prometheus.executable("prometheus"), f"--config.file={folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"], stdout=log, stderr=log)

    def ready():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return requests.get(f"http://{address}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def ask(endpoint, query):
        answer = requests.get(f"http://{address}/api/v1/{endpoint}", {"query": query}, timeout=10).json()
        assert answer["status"] == "success", f"{query}\n{answer.get('error')}"
        return answer["data"]

    until(ready, "Prometheus answers")
    yield ask
    process.kill()
    process.wait()
