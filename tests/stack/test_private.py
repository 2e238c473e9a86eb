"""Secrets are for their owner's eyes only, whatever was there before."""

import os
import stat

import pytest

from stack import private
from stack.console import StackError
from stack.layout import Layout
from stack.ports import Ports


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request):
    """A umask of the caller, from none to one that takes the owner's own rights."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.parametrize("before", [None, 0o755, 0o777, 0o500])
def test_a_folder_is_closed_to_others(tmp_path, umask, before):
    path = tmp_path / "state"
    if before is not None:
        path.mkdir()
        path.chmod(before)
    assert private.folder(path) == path
    assert mode(path) == 0o700


@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o400])
def test_a_file_is_closed_to_others(tmp_path, umask, before):
    path = tmp_path / "secret"
    if before is not None:
        path.write_text("before")
        path.chmod(before)
    private.write(path, "after")
    assert mode(path) == 0o600
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_who_had_the_old_file_open_does_not_see_the_new_one(tmp_path):
    path, link = tmp_path / "secret", tmp_path / "link"
    path.write_text("before")
    path.chmod(0o644)
    os.link(path, link)
    with path.open() as opened:
        private.write(path, "after")
        assert opened.read() == link.read_text() == "before"


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "secret"
    elsewhere.write_text("theirs")
    path.symlink_to(elsewhere)
    private.write(path, "ours")
    assert elsewhere.read_text() == "theirs"
    assert not path.is_symlink() and path.read_text() == "ours"


def test_a_file_that_others_could_read_is_closed_when_it_is_read(tmp_path):
    path = tmp_path / "secret"
    path.write_text("kept")
    path.chmod(0o644)
    assert private.read(path) == "kept"
    assert mode(path) == 0o600
    assert private.read(tmp_path / "absent") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path, other: path.symlink_to(other),
        lambda path, other: path.mkdir(),
        lambda path, other: os.mkfifo(path),
    ],
)
def test_what_is_not_a_plain_file_is_refused(tmp_path, spoil):
    other, path = tmp_path / "other", tmp_path / "secret"
    other.write_text("theirs")
    spoil(path, other)
    with pytest.raises(StackError, match="secret (is not a regular file|can't be read)"):
        private.read(path)


@pytest.mark.parametrize("spoil", [lambda path, other: path.symlink_to(other), lambda path, other: path.touch()])
def test_what_is_not_a_folder_is_refused(tmp_path, spoil):
    other, path = tmp_path / "other", tmp_path / "state"
    other.mkdir(mode=0o755)
    spoil(path, other)
    with pytest.raises(StackError, match=f"{path} is not a folder"):
        private.folder(path)


def test_what_belongs_to_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("theirs")
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StackError, match="belongs to another user"):
        private.folder(tmp_path)
    with pytest.raises(StackError, match="belongs to another user"):
        private.read(tmp_path / "secret")


def test_secrets_are_closed_whatever_was_there_before(tmp_path):
    layout = Layout(tmp_path / "state", Ports())
    folder = layout.state / "secrets"
    folder.mkdir(parents=True)
    layout.state.chmod(0o755)
    folder.chmod(0o755)
    (folder / "old").write_text("kept")
    (folder / "old").chmod(0o644)
    assert layout.secret("old") == "kept"
    assert layout.secret("new")
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert mode(folder) == mode(layout.state) == 0o700


def test_another_s_secrets_are_not_used(tmp_path):
    layout, elsewhere = Layout(tmp_path / "state", Ports()), tmp_path / "elsewhere"
    elsewhere.mkdir()
    layout.state.mkdir()
    (layout.state / "secrets").symlink_to(elsewhere)
    with pytest.raises(StackError, match="is not a folder"):
        layout.secret("webhook")
    assert not list(elsewhere.iterdir())
