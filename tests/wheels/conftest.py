import pytest

from stack import wheels
from stack.layout import PROJECT


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """The folder of the addons' wheels."""
    folder = tmp_path_factory.mktemp("wheels") / "dist"
    wheels.build(PROJECT, folder)
    return folder
