"""The project's own checks: all tests on a system of their own, and the style of everything."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack import system
from stack.console import step
from stack.layout import ADDONS, PROJECT, Layout
from stack.ports import Ports
from stack.provide import browser, odoo_source
from stack.services import odoo, postgres, prometheus

DATABASE = f"{odoo.DATABASE}_test"
# The options of pytest for each lane, by the markers of pyproject.toml.
FAST = ("-o", "testpaths=tests", "-m", "not servers and not system and not slow")
ODOO = ("-o", f"testpaths={' '.join(ADDONS)}")
SYSTEM = ("-o", "testpaths=tests", "-m", "servers or system or slow")
# Of all tests, those that wait on the prepared system most of the time, and those that run beside them and give way.
WAITING = ("-m", "odoo or system")
BESIDE = ("-o", "testpaths=tests", "-m", "not system")
NICENESS = "10"
# A process for each core, and no plugin that looks for Odoo.
WITHOUT_ODOO = ("-p", "no:odoo", "-n", "auto", "--dist")


def test(layout: Layout) -> bool:
    """Run all tests, on databases made for them; say whether they passed."""
    with _prepared(layout) as (python, environment):
        if arguments := _asked():
            return _passed("--odoo-http", *arguments, environment=environment, python=python)
        with _beside(environment) as passed_beside:
            passed = _passed("--odoo-http", *WAITING, environment=environment, python=python)
            return passed_beside() and passed


def test_fast(layout: Layout) -> bool:
    """Run the tests that need nothing but this environment and promtool; say whether they passed."""
    return _passed(*WITHOUT_ODOO, "worksteal", *FAST, *_asked(), environment=_with_programs())


def test_odoo(layout: Layout) -> bool:
    """Run the tests of the addons, in Odoo; say whether they passed."""
    with _prepared(layout) as (python, environment):
        return _passed("--odoo-http", *ODOO, *_asked(), environment=environment, python=python)


def test_system(layout: Layout) -> bool:
    """Run the tests that run servers or a whole system; say whether they passed."""
    with _prepared(layout) as (python, environment):
        return _passed("--odoo-http", *SYSTEM, *_asked(), environment=environment, python=python)


def _asked() -> list[str]:
    """Return what somebody wants pytest to do instead of all: $PYTEST_ARGS."""
    return os.environ.get("PYTEST_ARGS", "").split()


def _passed(*arguments: str, environment: dict[str, str], python: str | Path = sys.executable) -> bool:
    return subprocess.run([python, "-m", "pytest", *arguments], cwd=PROJECT, env=environment).returncode == 0


def _with_programs() -> dict[str, str]:
    """Return the environment with promtool on PATH."""
    promtool = prometheus.executable("promtool")
    return {**os.environ, "PATH": f"{promtool.parent}:{os.environ['PATH']}"}


@contextmanager
def _prepared(layout: Layout) -> Iterator[tuple[Path, dict[str, str]]]:
    """Make a system and databases for tests during the block; yield the Python and the environment of the tests."""
    own = Layout(layout.state / "test", Ports.free())
    system.clean(own)
    try:
        source = system.prepare(own)
        configuration = _copy_database(own, source)
        environment = _with_programs()
        yield (
            source.python,
            {
                **environment,
                **odoo.environment(source),
                **own.ports.variables(),
                "INFLUENCEGEN_STATE": str(own.state),
                # the browser that Odoo's own tours look for
                "PATH": f"{browser.chromium().parent}:{environment['PATH']}",
                # pytest-odoo reads Odoo's configuration file from it
                "ODOO_RC": str(configuration),
            },
        )
    finally:
        system.clean(own)


@contextmanager
def _beside(environment: dict[str, str]) -> Iterator[Callable[[], bool]]:
    """Run the tests of BESIDE during the block; yield a function that waits for them, prints their output, and says
    whether they passed.
    """
    log = Path(environment["INFLUENCEGEN_STATE"]) / "beside.log"
    # the servers of a file are started once
    command = ["nice", "-n", NICENESS, sys.executable, "-m", "pytest", *WITHOUT_ODOO, "loadfile", *BESIDE]
    without_odoo = {name: value for name, value in environment.items() if name != "ODOO_RC"}
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=without_odoo, stdout=output, stderr=subprocess.STDOUT)

    def passed() -> bool:
        status = process.wait()
        print(f"\nTests that ran beside these:\n\n{log.read_text()}")
        return status == 0

    try:
        yield passed
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def lint(layout: Layout) -> bool:
    """Check the code, the addons, the prose and the rules of Prometheus; say whether all is well."""
    promtool = prometheus.executable("promtool")
    rules = sorted((PROJECT / "prometheus" / "rules").glob("*.yml"))
    commands: list[list[str | Path]] = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
        [sys.executable, "-m", "pylint", *ADDONS],
        [sys.executable, "-m", "codespell_lib"],
        [sys.executable, "-m", "proselint", "check", *_prose()],
        [promtool, "check", "rules", *rules],
    ]
    statuses = [subprocess.run(command, cwd=PROJECT).returncode for command in commands]
    return not any(statuses)


def _prose() -> list[Path]:
    """Return the pages that people read, but not those that are generated or are the licenses of others."""
    folders = (PROJECT, PROJECT / "docs", *(PROJECT / "docs" / "runbooks").iterdir())
    return [page for folder in folders for page in sorted(folder.glob("*.md")) if page.name != "metrics.md"]


def _copy_database(layout: Layout, source: odoo_source.Source) -> Path:
    """Make a fresh copy of the prepared database and its files for the addons' tests; return its configuration."""
    with step("database for the addons' tests"):
        postgres.execute(layout, f'CREATE DATABASE "{DATABASE}" TEMPLATE "{odoo.DATABASE}"')
        # files of its own: a test must not add to what the running system measures
        files = layout.state / "odoo-test"
        shutil.copytree(odoo.files(layout) / "filestore" / odoo.DATABASE, files / "filestore" / DATABASE)
    return odoo.configure(layout, source, database=DATABASE, workers=0, data_dir=files)
