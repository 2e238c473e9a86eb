"""The verbs: `python -m stack VERB`; `--help` lists them."""

import argparse
import shutil
import signal
import sys

from stack import system
from stack.console import exit_on_error, step
from stack.layout import PROJECT, Layout
from stack.provide import wheels
from stack.scenarios import demo
from stack.scenarios.drill import runner
from stack.verify import audit, lanes, lint


def up(layout: Layout) -> bool:
    """Bring the system up."""
    system.up(layout)
    return True


def run_demo(layout: Layout) -> bool:
    """Bring the system up and show it at work."""
    return demo.run(system.up(layout))


def run_drill(layout: Layout) -> bool:
    """Bring the system up, and see what on-call is told of real faults."""
    return runner.run(system.up(layout))


def stop(layout: Layout) -> bool:
    """Stop the system."""
    with step("everything stopped"):
        system.down(layout)
    return True


def clean(layout: Layout) -> bool:
    """Stop the system and delete its state."""
    with step("everything stopped and deleted"):
        system.clean(layout)
    return True


def build_wheels(layout: Layout) -> bool:
    """Build the addons' wheels in dist/, and no others are there."""
    folder = PROJECT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    wheels.build(PROJECT, folder)
    return True


VERBS = {
    "up": up, "demo": run_demo, "drill": run_drill, "stop": stop, "clean": clean, "test": lanes.test,
    "test-fast": lanes.test_fast, "test-odoo": lanes.test_odoo, "test-system": lanes.test_system,
    "lint": lint.lint, "audit": audit.audit, "sbom": audit.sbom, "wheels": build_wheels,
}  # fmt: skip


def main() -> None:
    """Do what the command line asks; the status is 0 if it went well."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    verb = parser.parse_args().verb
    # as Ctrl-C: what was started is stopped, and undone
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with exit_on_error():
        sys.exit(not VERBS[verb](Layout.from_environment()))


if __name__ == "__main__":
    main()
