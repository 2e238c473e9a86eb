"""The project's own checks: all tests on a system of their own, and the style of everything."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack import browser, odoo, postgres, prometheus, system
from stack.console import step
from stack.layout import PROJECT, Layout
from stack.ports import Ports

DATABASE = f"{odoo.DATABASE}_test"


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
        arguments = os.environ.get("PYTEST_ARGS", "").split()
        command = [sys.executable, "-m", "pytest", "--odoo-http", *arguments]
        return subprocess.run(command, cwd=PROJECT, env=environment).returncode == 0
    finally:
        system.clean(own)


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
