"""`make new-alert` writes a draft that the generator accepts, with a case that can be run."""

import shutil
import subprocess
import sys

import pytest
import yaml

from prometheus.generator import new_alert


@pytest.fixture
def project(tmp_path):
    """A copy of what the generator of rules reads and writes."""
    unneeded = shutil.ignore_patterns("static", "tests", "i18n", "__pycache__")
    for folder in ("prometheus", "odoo_telemetry", "influencegen_telemetry"):
        shutil.copytree(new_alert.ROOT / folder, tmp_path / folder, ignore=unneeded)
    for folder in ("tests/rules", "docs/runbooks"):
        shutil.copytree(new_alert.ROOT / folder, tmp_path / folder, ignore=unneeded)
    return tmp_path


@pytest.mark.parametrize(("subject", "part"), [("odoo", "odoo"), ("telemetry", "odoo"), ("business", "influencegen")])
def test_the_generator_takes_the_draft(project, subject, part):
    assert len(new_alert.write("SomethingHigh", subject, project)) == 5
    done = subprocess.run([sys.executable, "-m", "prometheus.generator"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rules = yaml.safe_load((project / "prometheus" / "rules" / f"{part}_alerts_{subject}.yml").read_text())
    assert rules["groups"][0]["rules"][-1]["alert"] == "SomethingHigh"
    check = (
        "from tests.rules.alert_cases import CASES; [case] = [case for case in CASES if case.alert == "
        "'SomethingHigh']; "
        "assert case.tests({'labels': {}, 'annotations': {}})"
    )
    assert subprocess.run([sys.executable, "-c", check], cwd=project).returncode == 0
    assert (project / "docs" / "runbooks" / part / "SomethingHigh.md").exists()


@pytest.mark.parametrize(
    ("name", "subject", "message"),
    [
        ("something_high", "odoo", "PascalCase"),
        ("SomethingHigh", "nothing", "SUBJECT"),
        ("OdooDown", "odoo", "alert OdooDown already exists"),
    ],
)
def test_what_cannot_be_meant_is_refused(project, name, subject, message):
    with pytest.raises(ValueError, match=message):
        new_alert.write(name, subject, project)
