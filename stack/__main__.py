"""The commands: `python -m stack COMMAND`; `--help` lists them."""

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
    """Bring the system up, cause real faults, and check the notifications."""
    return runner.run(system.up(layout))


def stop(layout: Layout) -> bool:
    """Stop the system."""
    with step("stopping everything"):
        system.down(layout)
    return True


def clean(layout: Layout) -> bool:
    """Stop the system and delete its state."""
    with step("stopping everything, and deleting its data"):
        system.clean(layout)
    return True


def build_wheels(layout: Layout) -> bool:
    """Build the addons' wheels in dist/, which is emptied first."""
    folder = PROJECT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    wheels.build(PROJECT, folder)
    return True


COMMANDS = {
    "up": up, "demo": run_demo, "drill": run_drill, "stop": stop, "clean": clean, "test": lanes.test,
    "test-fast": lanes.test_fast, "test-odoo": lanes.test_odoo, "test-system": lanes.test_system,
    "lint": lint.lint, "audit": audit.audit, "sbom": audit.sbom, "wheels": build_wheels,
}  # fmt: skip


def main() -> None:
    """Run the command; the exit status is 0 if it succeeded."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    # SIGTERM works like Ctrl-C: what was started is stopped. SIGINT is set, too: a shell's background commands ignore
    # it, and so would their children
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    with exit_on_error():
        sys.exit(not COMMANDS[command](Layout.from_environment()))


if __name__ == "__main__":
    main()
