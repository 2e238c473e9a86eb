import configparser
import stat
import subprocess

import pytest

from stack.console import StackError
from stack.layout import PROJECT, Layout
from stack.ports import Ports
from stack.provide import odoo_source
from stack.services import odoo


@pytest.fixture
def checkout(tmp_path):
    """A folder that looks like Odoo's source of 19.0."""
    for addon in ("odoo/addons/base", "addons/web", "addons/rpc"):
        (tmp_path / addon).mkdir(parents=True)
        (tmp_path / addon / "__manifest__.py").write_text("{}")
    (tmp_path / "odoo" / "release.py").write_text("version_info = (19, 0, 0, FINAL, 0, '')\n")
    return tmp_path


def test_the_source_that_is_named_is_taken(checkout, monkeypatch):
    monkeypatch.setenv("ODOO_SOURCE", str(checkout))
    source = odoo_source.choose()
    assert source.folder == checkout
    assert source.series == "19.0"
    assert source.addons_path == [checkout / "odoo" / "addons", checkout / "addons"]


def test_a_folder_without_odoo_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ODOO_SOURCE", str(tmp_path))
    with pytest.raises(StackError, match="is not a source tree of Odoo"):
        odoo_source.choose()


def test_the_official_source_comes_before_debians(tmp_path, monkeypatch):
    monkeypatch.delenv("ODOO_SOURCE", raising=False)
    monkeypatch.setenv("INFLUENCEGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(odoo_source, "_why_official_is_out_of_reach", lambda: "")
    monkeypatch.setattr(odoo_source, "_clone", lambda folder: None)
    assert odoo_source.choose().folder == tmp_path / "odoo-18.0"


def test_debians_package_is_taken_with_the_reason_where_the_official_source_is_out_of_reach(tmp_path, monkeypatch):
    monkeypatch.delenv("ODOO_SOURCE", raising=False)
    monkeypatch.setenv("INFLUENCEGEN_CACHE", str(tmp_path))
    monkeypatch.setattr(odoo_source, "_why_official_is_out_of_reach", lambda: "gives no answer")
    monkeypatch.setattr(odoo_source.debian, "unpacked", lambda *packages: tmp_path)
    source = odoo_source.choose()
    assert source.folder == tmp_path / "usr/lib/python3/dist-packages"
    assert source.why.endswith("gives no answer")


def test_the_python_of_an_odoo_imports_it_beside_the_packages_of_the_project(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("INFLUENCEGEN_CACHE", str(tmp_path / "cache"))
    (checkout / "odoo" / "cli.py").write_text("import sys, psutil\n\ndef main():\n    print(sys.argv, __file__)\n")
    source = odoo_source.Source(checkout, "a test")
    output = subprocess.run([*source.command, "server"], capture_output=True, text=True, check=True, cwd="/")
    script = source.command[1]
    assert output.stdout == f"{[str(script), 'server']} {checkout}/odoo/cli.py\n"
    # from that Python, too, the same is found and not made again
    ask = "from stack.provide.odoo_source import Source; from pathlib import Path; import sys"
    nested = subprocess.run(
        [source.python, "-c", f"{ask}; print(Source(Path(sys.argv[1]), '').python)", checkout],
        capture_output=True, text=True, check=True, cwd=PROJECT,
    )  # fmt: skip
    assert nested.stdout.strip() == str(source.python)


def test_the_configuration_is_for_its_owner_alone_and_names_the_ports(checkout, tmp_path):
    layout = Layout(tmp_path / "state", Ports(odoo=18069, gevent=18072, pg=15433))
    path = odoo.configure(layout, odoo_source.Source(checkout, "a test"))
    options = configparser.RawConfigParser()
    options.read(path)
    options = options["options"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (options["http_port"], options["gevent_port"], options["db_port"]) == ("18069", "18072", "15433")
    assert options["server_wide_modules"] == "base,rpc,web,influencegen_telemetry,odoo_telemetry"


@pytest.mark.parametrize("collector", ["http://127.0.0.1:4318", ""])
def test_odoo_is_traced_if_a_collector_is_named(checkout, tmp_path, monkeypatch, collector):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
    path = odoo.configure(Layout(tmp_path / "state", Ports()), odoo_source.Source(checkout, "a test"))
    options = configparser.RawConfigParser()
    options.read(path)
    assert options["options"].get("odoo_telemetry_otlp_endpoint", "") == collector


def test_the_fingerprint_follows_content_and_names(tmp_path):
    addon = tmp_path / "addon"
    addon.mkdir()
    (addon / "a.py").write_text("1")
    first = odoo.fingerprint(tmp_path, ("addon",))
    (addon / "__pycache__").mkdir()
    (addon / "__pycache__" / "a.pyc").write_text("compiled")
    assert odoo.fingerprint(tmp_path, ("addon",)) == first
    (addon / "a.py").write_text("2")
    second = odoo.fingerprint(tmp_path, ("addon",))
    (addon / "a.py").rename(addon / "b.py")
    assert len({first, second, odoo.fingerprint(tmp_path, ("addon",))}) == 3
