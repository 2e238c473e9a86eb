"""README.rst of each addon is what `make docs` makes of its fragments, and is valid reStructuredText."""

import pytest
from docutils.core import publish_string

from docs.generator import readmes
from stack.layout import PROJECT


@pytest.fixture(params=readmes.ADDONS)
def addon(request):
    return request.param


def test_it_is_up_to_date(addon):
    assert (PROJECT / addon / "README.rst").read_text() == readmes.render(addon)


def test_it_is_valid(addon):
    publish_string(readmes.render(addon), settings_overrides={"halt_level": 1, "report_level": 5})


def test_no_fragment_is_left_out(addon):
    names = {path.stem for path in (PROJECT / addon / "readme").iterdir()}
    assert names <= {"DESCRIPTION", *readmes._SECTIONS}


def test_a_table_is_rendered():
    text = "| a | b |\n| --- | --- |\n| `c` | d |\n"
    assert readmes._to_rst(text).strip() == (
        ".. list-table::\n   :header-rows: 1\n\n   * - a\n     - b\n   * - ``c``\n     - d"
    )
