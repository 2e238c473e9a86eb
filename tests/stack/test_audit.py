"""What `make audit` makes of the advisories of PyPI and npm, and of audit.toml."""

import json
from datetime import date

import pytest

from stack.console import StackError
from stack.layout import PROJECT
from stack.verify import audit

TODAY = date(2026, 12, 1)
PILLOW = {"name": "pillow", "version": "1.0", "vulns": [
    {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1", "GHSA-aaaa"], "fix_versions": ["1.1"]}]}  # fmt: skip
CLEAN = {"name": "idna", "version": "3.20", "vulns": []}
NPM = {
    "ws": {"name": "ws", "via": [{"url": "https://github.com/advisories/GHSA-bbbb", "range": "<8.1", "title": "t"}],
           "fixAvailable": False},
    "openai": {"name": "openai", "via": ["ws"], "fixAvailable": False},
}  # fmt: skip


def exempt(name, until=date(2027, 1, 1)):
    return audit.Exemption(name, "nothing calls it", until)


def found():
    return [
        *audit.of_pip_audit(json.dumps({"dependencies": [PILLOW, CLEAN]}), ""),
        *audit.of_npm_audit(json.dumps({"vulnerabilities": NPM}), ""),
    ]


def test_each_vulnerability_is_listed_with_its_remedy():
    assert audit.verdict(found(), [], TODAY) == ([
        "pillow 1.0: CVE-2026-1, GHSA-aaaa, PYSEC-2026-1: upgrade to 1.1",
        "ws <8.1: GHSA-bbbb: no release fixes it yet",
    ], False)  # fmt: skip


def test_nothing_is_clean():
    assert audit.verdict([], [], TODAY) == (["no known vulnerabilities"], True)


@pytest.mark.parametrize("name", ["PYSEC-2026-1", "CVE-2026-1", "GHSA-aaaa"])
def test_an_exception_goes_by_any_name_and_is_said(name):
    lines, passed = audit.verdict(found(), [exempt(name), exempt("GHSA-bbbb")], TODAY)
    assert passed
    assert all("excused until 2027-01-01: nothing calls it" in line for line in lines)


def test_an_exception_ends_on_its_day():
    excused = [exempt("CVE-2026-1", until=TODAY), exempt("GHSA-bbbb")]
    assert audit.verdict(found(), excused, TODAY)[1]
    lines, passed = audit.verdict(found(), excused, date(2026, 12, 2))
    assert not passed
    assert "its exception ended on 2026-12-01: upgrade to 1.1" in lines[0]


def test_an_exception_that_nothing_needs_must_go():
    lines, passed = audit.verdict([], [exempt("CVE-2020-1")], TODAY)
    assert (lines, passed) == (["CVE-2020-1: not found any more: remove its exception"], False)


@pytest.mark.parametrize(("output", "words"), [
    ("", "no such host"), ("Traceback", "no such host"), ("{}", "no such host"),
    (json.dumps({"message": "405 Method Not Allowed", "error": {}}), "405 Method Not Allowed"),
])  # fmt: skip
def test_a_registry_without_advisories_is_not_clean(output, words):
    for read in (audit.of_pip_audit, audit.of_npm_audit):
        with pytest.raises(StackError, match=words):
            read(output, "first line\nno such host\n")


def test_a_package_that_was_not_looked_at_is_not_clean():
    skipped = {"name": "requests", "skip_reason": "Dependency not found on PyPI"}
    with pytest.raises(StackError, match="no advisories for 1 of 2 packages, such as requests"):
        audit.of_pip_audit(json.dumps({"dependencies": [CLEAN, skipped]}), "")


def test_what_can_not_be_asked_fails_the_audit_and_the_rest_is_asked_all_the_same(monkeypatch):
    asked = []

    def nothing(folder):
        asked.append(folder)
        return []

    def unreachable():
        raise StackError("no such host")

    monkeypatch.setattr(audit, "python_vulnerabilities", unreachable)
    monkeypatch.setattr(audit, "npm_vulnerabilities", nothing)
    with pytest.raises(StackError, match="The audit is incomplete.*\nPyPI: no such host"):
        audit.audit(None)
    assert asked == [PROJECT / folder for folder in audit.NPM]


@pytest.mark.parametrize("entry", [
    'id = "CVE-1"\nreason = "r"', 'id = "CVE-1"\nuntil = 2027-01-01', 'id = "CVE-1"\nreason = ""\nuntil = 2027-01-01',
    'id = "CVE-1"\nreason = "r"\nuntil = "later"', 'id = "CVE-1"\nreason = "r"\nuntil = 2027-01-01\nforever = true',
])  # fmt: skip
def test_an_exception_must_be_justified_and_end(entry):
    with pytest.raises(StackError, match=r"audit\.toml: .*must have `id`, `reason` and `until`"):
        audit.exceptions(f"[[exception]]\n{entry}\n")


def test_the_projects_own_exceptions_can_be_read():
    audit.exceptions(audit.EXCEPTIONS.read_text())


def test_every_lock_file_is_looked_at():
    locks = {path.parent.relative_to(PROJECT).as_posix() for path in PROJECT.glob("*/**/package-lock.json")
             if "node_modules" not in path.parts}  # fmt: skip
    assert locks == set(audit.NPM)
