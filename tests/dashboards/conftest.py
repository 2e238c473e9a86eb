import pytest


@pytest.fixture(scope="session")
def running(stack):
    """A Running on which business has been, until every panel has data that must have some; now it is at rest."""
    from .running import Running, do_business

    running = Running(stack)
    do_business(running)
    return running
