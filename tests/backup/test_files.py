"""Folders are copied while others write to them."""

import pytest

from exporters.backup import files
from exporters.backup.errors import BackupError


@pytest.fixture
def source(tmp_path):
    """A folder with a file in a folder."""
    source = tmp_path / "source"
    (source / "ab").mkdir(parents=True)
    (source / "ab" / "abc").write_text("half")
    return source


def test_what_was_half_written_is_copied_again(source, tmp_path):
    files.add_new(source, tmp_path / "copy")
    (source / "ab" / "abc").write_text("half and half")
    (source / "cd").write_text("new")
    files.add_new(source, tmp_path / "copy")
    files.compare(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "ab" / "abc").read_text() == "half and half"


def test_what_was_deleted_meanwhile_stays_in_the_copy(source, tmp_path):
    files.add_new(source, tmp_path / "copy")
    (source / "ab" / "abc").unlink()
    files.add_new(source, tmp_path / "copy")
    assert (tmp_path / "copy" / "ab" / "abc").read_text() == "half"


@pytest.mark.parametrize(
    "damage",
    [
        lambda copy: (copy / "ab" / "abc").unlink(),
        lambda copy: (copy / "ab" / "abc").write_text("hal"),
        lambda copy: (copy / "more").touch(),
    ],
)
def test_differences_are_found(source, tmp_path, damage):
    copy = tmp_path / "copy"
    files.add_new(source, copy)
    files.compare(source, copy)
    damage(copy)
    with pytest.raises(BackupError, match="1 files of .+ differ from their copies"):
        files.compare(source, copy)


def test_sizes_add_up(source):
    (source / "more").write_text("more")
    assert files.size(source) == 8
