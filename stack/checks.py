"""The project's own checks: all tests on a system of their own, and the style of everything."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack import browser, odoo, postgres, prometheus, system
from stack.console import step
from stack.layout import PROJECT, Layout
from stack.ports import Ports

DATABASE = f"{odoo.DATABASE}_test"
# Folders of tests that need no running system: they go beside those that do, which mostly wait, and give way to them.
APART = ("alerting", "catalogue", "compose", "review", "rules", "runbooks", "standins", "storage")
NICENESS = "10"


def test(layout: Layout) -> bool:
    """Run all tests with pytest, on databases made for them; say whether they passed."""
    own = Layout(layout.state / "test", Ports.free())
    system.clean(own)
    try:
        source = system.prepare(own)
        configuration = _copy_database(own, source)
        # promtool, and the browser that Odoo's own tours look for
        programs = [prometheus.provide()["promtool"].parent, browser.chromium().parent]
        environment = {
            **os.environ,
            **odoo.environment(source),
            **own.ports.variables(),
            "INFLUENCEGEN_STATE": str(own.state),
            "PATH": ":".join([*map(str, programs), os.environ["PATH"]]),
            # pytest-odoo reads Odoo's configuration file from it
            "ODOO_RC": str(configuration),
        }
        environment["PYTHONPATH"] = f"{source.folder}:{PROJECT}"
        command = [sys.executable, "-m", "pytest", "--odoo-http"]
        if arguments := os.environ.get("PYTEST_ARGS", "").split():
            return subprocess.run([*command, *arguments], cwd=PROJECT, env=environment).returncode == 0
        with _beside(own, environment) as passed_beside:
            command += [f"--ignore=tests/{folder}" for folder in APART]
            passed = subprocess.run(command, cwd=PROJECT, env=environment).returncode == 0
            return passed_beside() and passed
    finally:
        system.clean(own)


@contextmanager
def _beside(layout: Layout, environment: dict[str, str]) -> Iterator[Callable[[], bool]]:
    """Run the tests of APART during the block; yield a function that waits for them, prints their output, and says
    whether they passed.
    """
    log = layout.state / "apart.log"
    command = ["nice", "-n", NICENESS, sys.executable, "-m", "pytest", "-p", "no:odoo"]
    command += [f"tests/{folder}" for folder in APART]
    without_odoo = {name: value for name, value in environment.items() if name != "ODOO_RC"}
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=without_odoo, stdout=output, stderr=subprocess.STDOUT)

    def passed() -> bool:
        status = process.wait()
        print(f"\nTests that ran beside these: {', '.join(APART)}\n\n{log.read_text()}")
        return status == 0

    try:
        yield passed
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def lint(layout: Layout) -> bool:
    """Check the style of the Python code and of the addons, and the rules of Prometheus; say whether all is well."""
    promtool = prometheus.provide()["promtool"]
    rules = sorted((PROJECT / "prometheus" / "rules").glob("*.yml"))
    commands = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "pylint", *odoo.ADDONS],
        [promtool, "check", "rules", *rules],
    ]
    statuses = [subprocess.run(command, cwd=PROJECT).returncode for command in commands]
    return not any(statuses)


def _copy_database(layout: Layout, source: odoo.Source) -> Path:
    """Make a fresh copy of the prepared database and its files for the addons' tests; return its configuration."""
    with step("database for the addons' tests"):
        postgres.execute(layout, f'CREATE DATABASE "{DATABASE}" TEMPLATE "{odoo.DATABASE}"')
        # files of its own: a test must not add to what the running system measures
        files = layout.state / "odoo-test"
        shutil.copytree(
            odoo.files(layout) / "filestore" / odoo.DATABASE, files / "filestore" / DATABASE
        )
    return odoo.configure(layout, source, database=DATABASE, workers=0, data_dir=files)
