import pytest


@pytest.fixture(scope="session")
def running(stack):
    """A Running after business, which lasted until every panel that must have data had some; now it is idle."""
    from .running import Running, do_business

    running = Running(stack)
    do_business(running)
    return running
