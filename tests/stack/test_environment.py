import tomllib

from stack import environment
from stack.layout import PROJECT


def test_every_requirement_is_pinned():
    pins = environment.requirements(tomllib.loads((PROJECT / "pyproject.toml").read_text()))
    assert len(pins) > 30
    assert [pin for pin in pins if "==" not in pin] == []


def test_all_extras_are_installed():
    project = {"dependencies": ["a==1"], "optional-dependencies": {"x": ["b==2"], "y": ["c==3", "a==1"]}}
    assert environment.requirements({"project": project}) == ["a==1", "b==2", "c==3"]
