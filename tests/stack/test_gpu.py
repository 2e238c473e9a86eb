import pytest

from stack.console import StackError
from stack.services import gpu


def test_the_simulator_is_compiled_once(tmp_path):
    gpu.build(tmp_path)
    compiled = (tmp_path / gpu.LIBRARY).stat()
    gpu.build(tmp_path)
    assert (tmp_path / gpu.LIBRARY).stat() == compiled


def test_a_missing_compiler_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="install gcc"):
        gpu.build(tmp_path / "gpu")
