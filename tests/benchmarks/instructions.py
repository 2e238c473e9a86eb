"""Instructions that telemetry adds to a request to ``/web/login``, counted by callgrind. Needs valgrind and gcc.

The added time, about a hundredth of a request, is less than the variation between starts due to memory layout and other
load on the machine; the number of instructions varies less. A process calls Odoo's WSGI application under callgrind,
with the instrumentation and without it, in turns. Work that is done once a second is left out, because a request takes
that long under callgrind, and garbage is collected between the turns. A turn counts with its median. Baseline: the
build of ``baseline.py``.
"""

import ctypes
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median

from stack.console import StackError, exit_on_error, step
from stack.layout import PROJECT
from stack.provide import odoo_source
from tests.benchmarks import baseline
from tests.benchmarks.odoo_process import environment, load_registry
from tests.benchmarks.servers import TELEMETRY, Server, cluster

PATH = "/web/login"
TURNS = 12
WARMING = 3
REQUESTS = 12
LIMIT = 1.0

MARK = "#include <valgrind/callgrind.h>\nvoid mark(void) { CALLGRIND_DUMP_STATS; }\n"
"""A function after which callgrind counts from 0 again; the count so far is in a file of its own."""
COUNT = re.compile(r"^(?:totals|summary): (\d+)$", re.MULTILINE)


def serve(library: str) -> None:
    """Answer requests with and without the instrumentation in turns, and mark the end of each that counts."""
    load_registry()
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    from odoo.http import root
    from odoo.modules import get_module_path

    # in the baseline, there was a single addon, and requests did the work of the heartbeat thread
    if get_module_path("odoo_telemetry", display_warning=False):
        odoo_hooks = import_module("odoo.addons.odoo_telemetry.odoo_hooks")
        stop = import_module("odoo.addons.odoo_telemetry.metrics.store").heartbeat.stop
    else:
        odoo_hooks = import_module("odoo.addons.influencegen_telemetry.instrumentation")
        store = import_module("odoo.addons.influencegen_telemetry.metrics.store")

        def stop():
            store.heartbeat = lambda: None

    mark = ctypes.CDLL(library).mark

    def request():
        environ = EnvironBuilder(path=PATH).get_environ()
        _body, status, _headers = run_wsgi_app(root, environ, buffered=True)
        if not status.startswith("200"):
            raise ValueError(f"{PATH} was answered with {status}")

    for _ in range(TURNS):
        for change in (odoo_hooks.install, odoo_hooks.uninstall):
            change()
            stop()
            # the first find caches cold that the change has emptied
            for _ in range(WARMING):
                request()
            gc.collect()
            gc.disable()
            mark()
            for _ in range(REQUESTS):
                request()
                mark()
            gc.enable()


def added(server: Server, library: Path) -> list[float]:
    """Return the instructions that a server's build adds to a request, for each turn."""
    with tempfile.TemporaryDirectory() as folder, step(f"requests with {server.name}"):
        counts = Path(folder, "counts")
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}", server.source.python]
        process = ["-m", "tests.benchmarks.instructions", "serve", server.configuration, f"{folder}/odoo.log", library]
        subprocess.run(
            [*map(str, command), *map(str, process)], env={**os.environ, **environment(server)}, cwd=PROJECT, check=True
        )
        files = sorted(counts.parent.glob("counts.*"), key=lambda path: int(path.suffix.removeprefix(".")))
        numbers = [int(COUNT.search(path.read_text())[1]) for path in files]
    # each part begins with what was not marked: the start, or the change and the warming
    parts = [numbers[begin + 1 : begin + 1 + REQUESTS] for begin in range(0, len(numbers), 1 + REQUESTS)]
    # in the first turn, the interpreter specializes what runs often
    medians = [median(part) for part in parts[2:]]
    return [with_it - without for with_it, without in zip(medians[::2], medians[1::2], strict=True)]


def compare() -> float:
    """Count what the two builds add to a request, print it, and return the ratio."""
    for program in ("valgrind", "gcc"):
        if not shutil.which(program):
            raise StackError(f"Instructions can't be counted without {program}: install it.")
    with (
        tempfile.TemporaryDirectory() as folder,
        baseline.checkout() as baseline_checkout,
        cluster(odoo_source.choose()) as made,
    ):
        library = Path(folder, "mark.so")
        compile_mark = ["gcc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"]
        subprocess.run(compile_mark, input=MARK, text=True, check=True)
        checkouts = {"tree": PROJECT, "baseline": baseline_checkout}
        results = {name: added(made.server(name, TELEMETRY, checkout), library) for name, checkout in checkouts.items()}
    print(f"\ninstructions added to {PATH}: median of the turns")
    for name, turns in results.items():
        print(f"  {name:10} {median(turns):9,.0f} ({', '.join(f'{turn:,.0f}' for turn in turns)})")
    return median(results["tree"]) / median(results["baseline"])


def main() -> None:
    with exit_on_error():
        baseline.bar("request_overhead", compare(), LIMIT)


if __name__ == "__main__":
    serve(sys.argv.pop()) if sys.argv[1:2] == ["serve"] else main()
