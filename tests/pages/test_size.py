"""What every page of the back office loads for Telemetry's pages is small: the pages themselves come when needed."""

import gzip

import rjsmin

from stack.layout import PROJECT

SOURCES = PROJECT / "influencegen_telemetry" / "static" / "src"


def test_what_every_page_loads_is_small():
    scripts = [(SOURCES / name).read_text() for name in ("lazy.js", "tour.js")]
    assert len(gzip.compress(rjsmin.jsmin("\n".join(scripts)).encode())) < 1500
