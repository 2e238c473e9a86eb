"""`make new-metric` writes a draft that is declared."""

import shutil
import subprocess
import sys

import pytest

from docs.generator import new_metric


@pytest.fixture
def project(tmp_path):
    """A copy of the declarations."""
    for folder in ("odoo_telemetry", "influencegen_telemetry"):
        unneeded = shutil.ignore_patterns("static", "tests", "i18n", "__pycache__")
        shutil.copytree(new_metric.ROOT / folder, tmp_path / folder, ignore=unneeded)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "section"),
    [
        ("odoo_http_redirects_total", "counter", "RUNTIME"),
        ("odoo_telemetry_delay_seconds", "histogram", "EXPORTER"),
        ("campaigns_open", "gauge", "BUSINESS"),
    ],
)
def test_the_draft_is_declared(project, name, kind, section):
    new_metric.write(name, kind, project)
    check = (
        "from influencegen_telemetry.business import BUSINESS, catalogue\n"
        "sections = {'RUNTIME': catalogue.RUNTIME, 'EXPORTER': catalogue.EXPORTER, 'BUSINESS': BUSINESS}\n"
        f"[metric] = [metric for metric in sections['{section}'] if metric.name == '{name}']\n"
        f"assert metric.kind == '{kind}'"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("Redirects", "counter", "lower case"),
        ("odoo_redirects", "meter", "KIND as one of"),
        ("odoo_redirects", "counter", "must end in _total"),
        ("odoo_redirects_total", "gauge", "must end in _total"),
        ("odoo_http_requests_total", "counter", "there is a metric odoo_http_requests_total"),
        ("odoo_role_total", "counter", "has a ROLE already"),
    ],
)
def test_what_cannot_be_meant_is_refused(project, name, kind, message):
    with pytest.raises(ValueError, match=message):
        new_metric.write(name, kind, project)
