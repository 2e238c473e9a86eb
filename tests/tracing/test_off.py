"""What a server loads that has neither spans nor a JSON log switched on: nothing of either."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system

SCRIPT = """
import os, sys
import odoo
from odoo.tools import config

config.parse_config(["--config", os.environ["ODOO_RC"]])
from odoo.service.server import load_server_wide_modules

load_server_wide_modules()
assert "odoo.addons.odoo_telemetry.odoo_hooks.tracing" in sys.modules
print([name for name in sys.modules if name.split(".")[0] in ("opentelemetry", "google", "pythonjsonlogger")])
"""


@pytest.mark.skipif("ODOO_RC" not in os.environ, reason="needs the system that `make test` prepares")
def test_nothing_is_imported():
    environment = {name: value for name, value in os.environ.items() if name != "OTEL_EXPORTER_OTLP_ENDPOINT"}
    process = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60
    )
    assert process.stdout.splitlines()[-1:] == ["[]"], process.stderr
