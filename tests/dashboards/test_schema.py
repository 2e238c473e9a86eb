"""The dashboards fit the schema of the Grafana that Compose runs.

Its own types of dashboards, panels and their options, which it publishes on npm with each version, become JSON schemas,
and those validate the files. That Grafana draws them is not proven here: Grafana itself can't be run.
"""

import copy
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from stack.provide import npm

from .reading import FILES, ROOT, each_dashboard

VALIDATOR = Path(__file__).parent / "schema"
PACKAGE = json.loads((VALIDATOR / "package.json").read_text())


@pytest.fixture(scope="module")
def validate():
    """Function validate(paths): what is wrong with dashboards, a line for each."""
    if not shutil.which("npm"):
        pytest.skip("Grafana's schema comes from npm, which is not on PATH")
    modules = npm.installed(VALIDATOR, "Grafana's schema")
    # its imports are looked up beside it
    program = shutil.copy(VALIDATOR / "validate.mjs", modules.parent)
    return lambda paths: subprocess.run(
        ["node", program, *paths], capture_output=True, text=True, check=False
    ).stdout.splitlines()


def test_the_schema_is_that_of_the_grafana_that_compose_runs():
    """Of its minor version: not every patch release is on npm."""
    [version] = re.findall(r"image: grafana/grafana:(\d+\.\d+)\.\d+", (ROOT / "docker-compose.yml").read_text())
    assert PACKAGE["dependencies"]["@grafana/schema"].rpartition(".")[0] == version


@pytest.mark.servers
def test_all_dashboards_fit_the_schema(validate):
    assert validate(FILES) == []


@pytest.mark.servers
def test_what_does_not_fit_is_noticed(validate, tmp_path):
    wrong = {
        '"additionalProperty":"titel"': lambda content: content["panels"][1].update(titel="x"),
        "options/colorMode: must be": lambda content: content["panels"][1]["options"].update(colorMode="loud"),
        "/templating/list/0/type: must be": lambda content: content["templating"]["list"][0].update(type="choice"),
        "schema version 41": lambda content: content.update(schemaVersion=41),
    }
    for number, change in enumerate(wrong.values()):
        content = json.loads(FILES[0].read_text())
        change(content)
        (tmp_path / f"{number}.json").write_text(json.dumps(content))
    said = validate(sorted(tmp_path.glob("*.json")))
    for number, complaint in enumerate(wrong):
        assert any(complaint in line for line in said if f"/{number}.json" in line), said


@each_dashboard
def test_nothing_is_lost_when_it_is_read_and_written_again(dashboard):
    """But for what Prometheus' annotations have beyond the SDK's."""
    register_default_plugins()
    written = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    dashboard = copy.deepcopy(dashboard)
    for annotation in dashboard["annotations"]["list"]:
        for name in ("step", "titleFormat", "textFormat", "tagKeys"):
            annotation.pop(name, None)
    for variable in written["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):
            del variable[name]
    assert written == dashboard
