"""What a request costs, function by function: a script for the standard input of Odoo's shell (see profile.py).

It calls Odoo's WSGI application in this one process, with and without telemetry's instrumentation in turns, and then
once more under cProfile. The result is written as JSON to the file ``profile.json`` in Odoo's data directory.
"""

import cProfile
import json
import pstats
import time
from itertools import pairwise
from pathlib import Path

from werkzeug.test import EnvironBuilder, run_wsgi_app

from odoo import http
from odoo.tools import config

from odoo.addons.odoo_telemetry import odoo_hooks

BLOCK = 20
TURNS = 40
PROFILED = 200
PACKAGE = f"{Path(odoo_hooks.__file__).parents[1]}/"


def request():
    environ = EnvironBuilder(path="/web/login").get_environ()
    _body, status, _headers = run_wsgi_app(http.root, environ, buffered=True)
    assert status.startswith("200"), status


def microseconds():
    """Return the CPU times of the requests of a block but the first, which finds cold caches."""
    times = [time.thread_time()]
    for _ in range(1 + BLOCK):
        request()
        times.append(time.thread_time())
    return [(end - begin) * 1e6 for begin, end in pairwise(times[1:])]


def without():
    odoo_hooks.uninstall()
    taken = microseconds()
    odoo_hooks.install()
    return taken


def turn(number):
    """Return the microseconds of requests with instrumentation and without; which comes first alternates."""
    if number % 2:
        return microseconds(), without()
    plain = without()
    return microseconds(), plain


def profiled():
    """Return [(function, calls a request, own microseconds a request)] of telemetry's functions."""
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    for _ in range(PROFILED):
        request()
    profile.disable()
    return sorted(
        (
            (f"{file.removeprefix(PACKAGE)}:{name}", calls / PROFILED, own / PROFILED * 1e6)
            for (file, _line, name), (_primitive, calls, own, _total, _callers) in pstats.Stats(profile).stats.items()
            if file.startswith(PACKAGE)
        ),
        key=lambda row: -row[2],
    )


microseconds()
result = {"turns": [turn(number) for number in range(TURNS)], "functions": profiled()}
(Path(config["data_dir"]) / "profile.json").write_text(json.dumps(result))
