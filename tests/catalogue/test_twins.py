"""The addons influencegen and odoo_telemetry do not depend on each other: what both need is the same text in both."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def statements(path):
    """Return the set of the texts of a module's statements."""
    text = path.read_text()
    return {ast.get_source_segment(text, statement) for statement in ast.parse(text).body}


@pytest.mark.parametrize(
    ("platform", "telemetry", "twin"),
    [
        ("compat.py", "compat.py", "class Constraint"),
        ("compat.py", "compat.py", "USER_GROUPS ="),
        ("compat.py", "odoo_hooks/http_layer.py", "def wsgi_request"),
        ("intake.py", "intake.py", "def discard"),
        ("intake.py", "intake.py", "_PIECE ="),
        ("intake.py", "intake.py", "_DISCARD_SECONDS ="),
    ],
)
def test_twins_are_the_same(platform, telemetry, twin):
    ours, theirs = statements(PROJECT / "influencegen" / platform), statements(PROJECT / "odoo_telemetry" / telemetry)
    assert any(twin in statement for statement in ours & theirs)
