from contextlib import ExitStack
from pathlib import Path

import pytest

from stack.layout import Layout
from stack.ports import Ports

ROOT = Path(__file__).parents[2]


@pytest.fixture
def layout(tmp_path):
    """A folder and free ports for servers."""
    return Layout(tmp_path, Ports.free())


@pytest.fixture
def running():
    """A function that takes a server that was started, gives it back, and ends it with the test."""
    with ExitStack() as stack:

        def running(server):
            stack.callback(server.kill)
            return server

        yield running
