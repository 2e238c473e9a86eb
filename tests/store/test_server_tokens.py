"""The tokens of the whole server: what is let in, and what is refused with a line in the log."""

import os

import pytest

from odoo_telemetry.metrics.errors import Errors
from odoo_telemetry.metrics.server_tokens import ServerTokens, is_among
from odoo_telemetry.metrics.settings import digest


@pytest.fixture
def tokens():
    return ServerTokens(Errors())


def test_nothing_is_let_in_by_default(tokens, caplog):
    assert tokens.digests() == []
    assert caplog.messages == []


@pytest.mark.parametrize("token", ["", " ", "\n"])
def test_an_empty_token_is_refused_and_logged(tokens, token, caplog):
    tokens.configure(token, None)
    assert tokens.digests() == []
    assert "the server's token is empty or can't be read, and is ignored" in caplog.text


def test_an_empty_or_missing_file_is_refused_and_logged(tokens, tmp_path, caplog):
    path = tmp_path / "token"
    tokens.configure(None, str(path))
    assert tokens.digests() == []
    assert f"the file {path} of the server's token is empty or can't be read" in caplog.text
    path.write_text("\n \n")
    assert tokens.digests() == []
    path.write_bytes(b"\xff\xfe")
    assert tokens.digests() == []
    path.write_text("one\n")
    assert tokens.digests() == [digest("one")]


def test_a_file_is_read_again_when_it_is_replaced(tokens, tmp_path):
    """As Kubernetes replaces a secret: a link that points to another file."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    path = tmp_path / "token"
    path.symlink_to("one")
    tokens.configure("of odoo.conf", str(path))
    assert tokens.digests() == [digest("of odoo.conf"), digest("one")]
    os.symlink("two", tmp_path / "new")
    os.replace(tmp_path / "new", path)
    assert tokens.digests() == [digest("of odoo.conf"), digest("two")]


def test_a_file_that_has_not_changed_is_not_read_again(tokens, tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text("one")
    tokens.configure(None, str(path))
    monkeypatch.setattr(type(path), "read_text", None)
    assert tokens.digests() == [digest("one")]


def test_a_digest_is_among_others():
    assert is_among(digest("one"), [digest("two"), digest("one")])
    assert not is_among(digest("one"), [digest("two")])
    assert not is_among(digest("one"), [])
