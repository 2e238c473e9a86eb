import fcntl

import pytest

from stack import system
from stack.console import StackError
from stack.layout import Layout
from stack.ports import Ports


def test_a_folder_that_holds_something_else_is_neither_used_nor_deleted(tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.touch()
    tmp_path.chmod(0o755)
    layout = Layout(tmp_path, Ports.free())
    for verb in (system.up, system.clean):
        with pytest.raises(StackError, match="contains other files"):
            verb(layout)
    assert precious.exists()
    assert tmp_path.stat().st_mode & 0o777 == 0o755, "it is not even closed"


def test_a_state_that_others_could_enter_is_closed(tmp_path, monkeypatch):
    (tmp_path / system.LOCK).touch()
    tmp_path.chmod(0o755)
    monkeypatch.setattr(system, "_prepare", lambda layout, mode: (None, None))
    system.prepare(Layout(tmp_path, Ports.free()))
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_second_start_at_the_same_time_is_refused(tmp_path):
    with open(tmp_path / system.LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StackError, match="is in progress"):
            system.up(Layout(tmp_path, Ports.free()))


def test_clean_deletes_the_state(tmp_path):
    (tmp_path / system.LOCK).touch()
    (tmp_path / "odoo").mkdir()
    system.clean(Layout(tmp_path, Ports.free()))
    assert not tmp_path.exists()


def test_clean_has_nothing_to_do_where_nothing_is(tmp_path):
    system.clean(Layout(tmp_path / "absent", Ports.free()))


def test_n8n_is_itself_unless_its_stub_is_asked_for(monkeypatch):
    monkeypatch.delenv("N8N", raising=False)
    assert system.N8nMode.from_environment() == system.N8nMode(stub=False)
    monkeypatch.setenv("N8N", "stub")
    assert system.N8nMode.from_environment().stub
    monkeypatch.setenv("N8N", "fake")
    with pytest.raises(StackError, match="N8N must be .*, not fake"):
        system.N8nMode.from_environment()
