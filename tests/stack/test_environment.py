import re
import tomllib

import yaml

from stack.layout import PROJECT
from stack.provide import environment


def test_every_requirement_is_pinned():
    pins = environment.requirements(tomllib.loads((PROJECT / "pyproject.toml").read_text()))
    assert len(pins) > 30
    assert [pin for pin in pins if "==" not in pin] == []


def test_the_hooks_of_pre_commit_have_the_versions_of_the_project():
    pins = environment.requirements(tomllib.loads((PROJECT / "pyproject.toml").read_text()))
    [repository] = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = {
        hook["id"]: hook["additional_dependencies"] for hook in repository["hooks"] if hook["language"] == "python"
    }
    assert {"ruff-check", "pylint-odoo"} <= hooks.keys()
    assert {pin for used in hooks.values() for pin in used} - set(pins) == set()


def test_each_lane_is_tested_in_the_workflow_and_by_make():
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
    lanes = workflow["jobs"]["test"]["strategy"]["matrix"]["lane"]
    verbs = re.findall(r"^test-(\w+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(lanes) == sorted(verbs) == ["fast", "odoo", "system"]


def test_all_extras_are_installed():
    project = {"dependencies": ["a==1"], "optional-dependencies": {"x": ["b==2"], "y": ["c==3", "a==1"]}}
    assert environment.requirements({"project": project}) == ["a==1", "b==2", "c==3"]
