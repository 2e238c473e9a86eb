"""The wheels of the addons: one source, a wheel for each series of Odoo."""

import ast
import re
from email import message_from_string
from zipfile import ZipFile

import pytest

from stack.layout import ADDONS, PROJECT
from stack.provide.wheels import SERIES

REQUIRED = {
    "influencegen": ["pybreaker", "requests", "tenacity"],
    "odoo_telemetry": ["prometheus_client"],
    "influencegen_telemetry": ["odoo-addon-influencegen=={series}.*", "odoo-addon-odoo_telemetry=={series}.*"],
}


@pytest.fixture(params=[(addon, series) for addon in ADDONS for series in SERIES], ids="-".join)
def wheel(dist, request):
    addon, series = request.param
    [path] = dist.glob(f"odoo_addon_{addon}-{series}.*-py3-none-any.whl")
    with ZipFile(path) as file:
        yield addon, series, file


def manifest(text):
    return ast.literal_eval(text)


def test_no_other_wheel_is_built(dist):
    assert len(list(dist.iterdir())) == len(ADDONS) * len(SERIES)


def test_its_version_is_the_addon_s_in_the_series(wheel):
    addon, series, file = wheel
    source = manifest((PROJECT / addon / "__manifest__.py").read_text())
    version = f"{series}.{source['version']}"
    assert re.fullmatch(r"\d+\.0\.\d+\.\d+\.\d+", version)
    packed = manifest(file.read(f"odoo/addons/{addon}/__manifest__.py").decode())
    assert packed == {**source, "version": version}
    assert metadata(file)["Version"] == version


def test_it_requires_its_odoo_and_what_the_addon_needs(wheel):
    addon, series, file = wheel
    required = [name.format(series=series) for name in REQUIRED[addon]]
    assert sorted(metadata(file).get_all("Requires-Dist")) == sorted([f"odoo=={series}.*", *required])


def test_it_has_all_of_the_addon_and_nothing_else(wheel):
    addon, _series, file = wheel
    source = {
        str(path.relative_to(PROJECT / addon))
        for path in (PROJECT / addon).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "pyproject.toml"
    }
    folder = f"odoo/addons/{addon}/"
    packed = {name for name in file.namelist() if ".dist-info/" not in name and not name.endswith("/")}
    assert packed == {folder + name for name in source}


def metadata(file):
    [name] = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_string(file.read(name).decode())
