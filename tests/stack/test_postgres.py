import pytest

from stack.console import StackError
from stack.layout import Layout
from stack.ports import Ports
from stack.services import postgres


def test_a_server_that_can_not_write_its_log_as_json_is_refused(tmp_path, monkeypatch):
    programs = tmp_path / "usr/lib/postgresql/14/bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text('#!/bin/sh\necho "postgres (PostgreSQL) 14.22"\n')
    (programs / "postgres").chmod(0o755)
    monkeypatch.setattr(postgres, "provide", lambda: programs)
    with pytest.raises(StackError, match="PostgreSQL 14, but 15 or newer is needed"):
        postgres.create(Layout(tmp_path / "state", Ports()))
