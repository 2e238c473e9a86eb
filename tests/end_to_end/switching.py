"""The running system brought up in another way for a while."""

import re
from contextlib import contextmanager

import pytest

from stack import system as whole


@contextmanager
def brought_up(system, mode=None, **environment):
    """Bring the system up with another mode or other variables of the environment during the block, and back after it.

    :return: the :class:`stack.system.System` as it is during the block
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        switched = whole.up(system.layout, mode)
        scrape_fast(system)
        yield switched
    whole.up(system.layout)
    scrape_fast(system)


def scrape_fast(system):
    """Let Prometheus scrape everything every 5 s."""
    prometheus = system.layout.state / "prometheus.yml"
    prometheus.write_text(re.sub(r"scrape_(interval|timeout): \d+s", r"scrape_\1: 5s", prometheus.read_text()))
    system.processes.reload("prometheus")
