import pytest

from stack.console import StackError
from stack.provide import debian

BOOKWORM = {"ID": "debian", "NAME": "Debian GNU/Linux", "VERSION_CODENAME": "bookworm"}


@pytest.fixture
def sources(tmp_path):
    """A function that writes a file of apt sources and returns the folder of all of them."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return tmp_path

    return write


def test_deb822(sources):
    folder = sources(
        "sources.list.d/debian.sources",
        "# The archive\nTypes: deb deb-src\n# an older address\nURIs: http://mirror.example/debian http://b.example/debian\n"
        "Suites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /usr/share/d.gpg\n\n"
        "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\n",
    )
    assert debian.main_archive(folder, BOOKWORM) == debian.Archive(
        "http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main", "contrib"), "/usr/share/d.gpg"
    )


def test_a_key_within_the_source_is_kept(sources):
    key = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----"
    folder = sources(
        "sources.list.d/d.sources",
        f"Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nSigned-By:{key}\nComponents: main\n",
    )
    assert debian.main_archive(folder, BOOKWORM).signed_by == key.strip()


def test_one_line(sources):
    folder = sources(
        "sources.list",
        "# deb http://old.example/debian bookworm main\ndeb-src http://m.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://m.example/debian/ bookworm main contrib # ours\n",
    )
    assert debian.main_archive(folder, BOOKWORM) == debian.Archive(
        "http://m.example/debian/", ("bookworm",), ("main", "contrib"), "/k.gpg"
    )


def test_the_distributions_own_archive_comes_first(sources):
    sources("sources.list.d/a.list", "deb http://third.example/apt bookworm main\n")
    folder = sources("sources.list.d/b.list", "deb http://m.example/debian bookworm main\n")
    assert debian.main_archive(folder, BOOKWORM).uri == "http://m.example/debian"


def test_a_disabled_source_is_none(sources):
    folder = sources(
        "sources.list.d/d.sources",
        "Enabled: no\nTypes: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\n",
    )
    with pytest.raises(StackError, match="bookworm"):
        debian.main_archive(folder, BOOKWORM)


def test_a_program_on_path_is_taken(tmp_path, monkeypatch):
    program = tmp_path / "prometheus"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.program("prometheus", "prometheus") == program
