import stat
from pathlib import Path

from stack.layout import PROJECT, Layout, cache
from stack.ports import Ports


def test_the_state_lies_in_the_checkout_unless_set_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("INFLUENCEGEN_STATE", raising=False)
    assert Layout.from_environment().state == PROJECT / ".run"
    monkeypatch.setenv("INFLUENCEGEN_STATE", str(tmp_path))
    assert Layout.from_environment().state == tmp_path


def test_for_root_the_cluster_lies_where_another_user_can_reach_it(monkeypatch, tmp_path):
    layout = Layout(tmp_path, Ports())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert layout.cluster.parent == Path("/var/tmp")
    assert Layout(tmp_path / "other", Ports()).cluster != layout.cluster
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert layout.cluster == tmp_path / "postgres"


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    layout = Layout(tmp_path / "state", Ports())
    secret = layout.secret("postgres")
    assert len(secret) >= 32
    assert layout.secret("postgres") == secret != layout.secret("admin")
    # as an editor or `echo` writes another one
    layout.secret_file("postgres").write_text("another\n")
    assert layout.secret("postgres") == "another"
    assert stat.S_IMODE(layout.secret_file("postgres").stat().st_mode) == 0o600


def test_the_cache_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("INFLUENCEGEN_CACHE", str(tmp_path))
    assert cache() == tmp_path
