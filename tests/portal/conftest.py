import pytest

from stack.scenarios.traffic import administrator

from .people import DESKTOP, PHONE, Platform, browser_of


@pytest.fixture(scope="session")
def platform(stack):
    return Platform(stack, administrator(stack))


@pytest.fixture(scope="session")
def working(platform):
    """An active influencer who has something of everything."""
    return platform.working()


@pytest.fixture(scope="session")
def referred(platform):
    """Someone whose document waits for a reviewer."""
    return platform.checked("referred", "Luca Moretti")


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def viewport(request):
    return request.param


@pytest.fixture
def open_page(chromium):
    """A function that opens a page as a person, or as nobody, and returns it."""
    contexts = []

    def open_page(url, person=None, viewport=DESKTOP):
        context = browser_of(chromium, person, viewport)
        context.set_default_timeout(15_000)  # ms
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
