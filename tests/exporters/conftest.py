import pytest

from tests.exporters.slow_statements import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running Server."""
    server = Server(tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()
