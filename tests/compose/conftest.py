import json
import os
import subprocess
from pathlib import Path

import pytest

from stack.provide import debian

ROOT = Path(__file__).parents[2]
SECRETS_GID = "1000"


@pytest.fixture(scope="session")
def compose(pytestconfig):
    """docker-compose.yml as Compose resolves it."""
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n  no container is run: docker-compose.yml is only read and compared")
    result = subprocess.run(
        [
            debian.program("docker-compose", "docker-compose"),
            "--file",
            ROOT / "docker-compose.yml",
            "--profile",
            "*",
            "config",
            "--format",
            "json",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "SECRETS_GID": SECRETS_GID},
    )
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


@pytest.fixture(scope="session")
def services(compose):
    """The services of docker-compose.yml by name."""
    return compose["services"]
