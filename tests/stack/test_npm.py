"""What comes from npm."""

import json

import pytest

from stack.console import StackError
from stack.provide import npm


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose lock file does not fit it."""
    monkeypatch.setenv("INFLUENCEGEN_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "trial", "dependencies": {"left": "1.0.0"}}))
    (folder / "package-lock.json").write_text(json.dumps({"name": "trial", "lockfileVersion": 3, "packages": {}}))
    return folder


def test_without_npm_a_person_reads_what_to_install(package, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match="The trial comes from npm.*install Node with npm"):
        npm.installed(package, "The trial")


def test_what_was_not_installed_is_never_taken_for_installed(package):
    for _attempt in range(2):
        with pytest.raises(StackError, match="npm failed"):
            npm.installed(package, "The trial")
