"""The tests, in lanes: each lane is a process of pytest, on a system of its own if it needs one."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from stack import system
from stack.console import run, step
from stack.layout import ADDONS, PROJECT, Layout
from stack.ports import Ports
from stack.provide import browser
from stack.services import odoo, postgres, prometheus

DATABASE = f"{odoo.DATABASE}_test"
_END_SECONDS = 120
"""How long an interrupted lane may take to stop what its tests have started."""


@dataclass(frozen=True)
class Lane:
    """Some of the tests: the options by which pytest selects them, and their niceness."""

    name: str
    options: tuple[str, ...]
    niceness: int = 0

    def command(self, python: str | Path) -> list[str | Path]:
        """Return the command that runs the tests."""
        return ["nice", "-n", str(self.niceness), python, "-m", "pytest", *self.options]


def _in_odoo(*folders: str) -> Lane:
    return Lane("odoo", ("--odoo-http", "-o", f"testpaths={' '.join(folders)}"), niceness=5)


# A process for each core, and no plugin that looks for Odoo.
_WITHOUT_ODOO = ("-p", "no:odoo", "-n", "auto", "--dist")
FAST = Lane("fast", (*_WITHOUT_ODOO, "worksteal", "-o", "testpaths=tests",
                     "-m", "not servers and not system and not slow"))  # fmt: skip
ODOO = _in_odoo(*ADDONS)
SYSTEM = Lane("system", ("-o", "testpaths=tests", "-m", "servers or system or slow"))
# Of all tests those that need neither Odoo nor a system; the servers of a file are started once.
SERVERS = Lane("servers", (*_WITHOUT_ODOO, "loadfile", "-o", "testpaths=tests", "-m", "not system"), niceness=10)
# System tests mostly wait, so they are split over several systems.
_END_TO_END, _LAB = "tests/end_to_end", "tests/lab"
ON_SYSTEMS = (
    Lane("end_to_end", ("-o", f"testpaths={_END_TO_END}", "-m", "system")),
    # the lab starts servers of its own: its tests run after the addons' tests, in the same process
    _in_odoo(*ADDONS, _LAB),
    Lane("others", ("-o", "testpaths=tests", f"--ignore={_END_TO_END}", f"--ignore={_LAB}", "-m", "system")),
)


def test(layout: Layout) -> bool:
    """Run all tests, or those that $PYTEST_ARGS names; say whether they passed."""
    if _asked():
        return _on_a_system(layout, Lane("asked", ("--odoo-http",)))
    with TemporaryDirectory() as logs, ExitStack() as held:
        servers = held.enter_context(_started(SERVERS, sys.executable, _with_programs(), Path(logs)))
        systems = held.enter_context(_prepared(layout, [lane.name for lane in ON_SYSTEMS]))
        *others, last = (
            held.enter_context(_started(lane, python, environment, None if lane is ON_SYSTEMS[-1] else Path(logs)))
            for lane, (python, environment) in zip(ON_SYSTEMS, systems, strict=True)
        )
        passed = [waited() for waited in (last, *others, servers)]
        return all(passed)


def test_fast(layout: Layout) -> bool:
    """Run the tests that need nothing but this environment and promtool; say whether they passed."""
    return _passed(FAST, sys.executable, _with_programs())


def test_odoo(layout: Layout) -> bool:
    """Run the tests of the addons, in Odoo; say whether they passed."""
    return _on_a_system(layout, ODOO)


def test_system(layout: Layout) -> bool:
    """Run the tests that run servers or a whole system; say whether they passed."""
    return _on_a_system(layout, SYSTEM)


def _asked() -> list[str]:
    """Return the further options of pytest: $PYTEST_ARGS."""
    return shlex.split(os.environ.get("PYTEST_ARGS", ""))


def _passed(lane: Lane, python: str | Path, environment: Mapping[str, str]) -> bool:
    return subprocess.run([*lane.command(python), *_asked()], cwd=PROJECT, env=environment).returncode == 0


def _on_a_system(layout: Layout, lane: Lane) -> bool:
    with _prepared(layout, [lane.name]) as systems:
        return _passed(lane, *next(systems))


@contextmanager
def _started(lane: Lane, python: str | Path, environment: Mapping[str, str], logs: Path | None) \
        -> Iterator[Callable[[], bool]]:  # fmt: skip
    """Run a lane during the block; yield a function that waits for it and says whether its tests passed.

    logs: the folder that their output is kept in until the function prints it; None prints it at once.
    """
    log = logs and logs / lane.name
    with open(log, "w") if log else nullcontext() as output:
        process = subprocess.Popen(
            lane.command(python), cwd=PROJECT, env=environment, stdout=output, stderr=output and subprocess.STDOUT
        )

    def passed() -> bool:
        status = process.wait()
        if log:
            print(f"\nTests of the lane {lane.name}:\n\n{log.read_text(errors='replace')}")
        return status == 0

    try:
        yield passed
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _with_programs() -> dict[str, str]:
    """Return the environment with promtool on PATH."""
    promtool = prometheus.executable("promtool")
    return {**os.environ, "PATH": f"{promtool.parent}:{os.environ['PATH']}"}


@contextmanager
def _prepared(layout: Layout, names: list[str]) -> Iterator[Iterator[tuple[Path, dict[str, str]]]]:
    """Make a system and databases for the tests of each lane, in folders test-<name>; they are gone after the block.

    Yields the Python and the environment of the tests of each. The first system is made, and the others are copies.
    """
    ports = Ports.distinct(len(names))
    layouts = [Layout(layout.state / f"test-{name}", own) for name, own in zip(names, ports, strict=True)]
    first, *copies = layouts
    _clean(layouts)
    try:
        if copies:
            system.prepare(first)
            system.down(first)
        for copy in copies:
            _copy(first, copy)
        yield map(_environment, layouts)
    finally:
        with step("stopping everything, and deleting its data"):
            _clean(layouts)


def _clean(layouts: list[Layout]) -> None:
    with ThreadPoolExecutor() as at_once:
        list(at_once.map(system.clean, layouts))


def _copy(layout: Layout, copy: Layout) -> None:
    """Copy the state and the database of a system that is stopped."""
    for source, target in {layout.state: copy.state, layout.cluster: copy.cluster}.items():
        if not target.exists():
            run(["cp", "-a", source, target], log=layout.logs / "copy.log")


def _environment(layout: Layout) -> tuple[Path, dict[str, str]]:
    """Bring up what the tests need of a system; return their Python and their environment."""
    source = system.prepare(layout)
    environment = _with_programs()
    with step("database for the addons' tests"):
        postgres.execute(layout, f'CREATE DATABASE "{DATABASE}" TEMPLATE "{odoo.DATABASE}"')
        # files of its own: a test must not add to what the running system measures
        files = layout.state / "odoo-test"
        shutil.copytree(odoo.files(layout) / "filestore" / odoo.DATABASE, files / "filestore" / DATABASE)
    configuration = odoo.configure(layout, source, database=DATABASE, workers=0, data_dir=files)
    return source.python, {
        **environment,
        **odoo.environment(source),
        **layout.ports.variables(),
        "INFLUENCEGEN_STATE": str(layout.state),
        # the browser that Odoo's own tours look for
        "PATH": f"{browser.chromium().parent}:{environment['PATH']}",
        # pytest-odoo reads Odoo's configuration file from it
        "ODOO_RC": str(configuration),
    }
