import uuid

import pytest

from stack.scenarios.traffic import administrator
from tests.waiting import until

from .metrics import LOADS, Metrics

PERCENT = "telemetry_browser_sample_percent"
# What the first page load has to wait for: that Odoo makes its bundles.
TIMEOUT_MS = 60_000


@pytest.fixture(scope="session")
def admin(stack):
    """Odoo's administrator, who sets what is measured."""
    return administrator(stack)


@pytest.fixture
def sample(admin):
    """A function that sets the sampling rate: in how many tabs of a hundred measurements are taken."""

    def save(percent):
        settings = admin.call("res.config.settings", "create", {PERCENT: percent})
        admin.call("res.config.settings", "execute", [settings] if isinstance(settings, int) else settings)

    yield save
    save(100)


@pytest.fixture
def metrics(stack):
    """What /metrics says, compared with the beginning of the test."""
    return Metrics(stack)


class Tab:
    """A tab of a browser of its own; ``errors`` are those of its pages' scripts."""

    def __init__(self, stack, page):
        self.url = stack.url("odoo")
        self.page = page
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path):
        """Open a page of Odoo, and return the seconds that the browser says its load took."""
        self.page.goto(self.url + path)
        return self.loaded()

    def loaded(self):
        """Wait until the page is loaded, and return the seconds that the browser says it took."""
        measured = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"
        self.page.wait_for_function(measured)
        return self.page.evaluate(measured) / 1000

    def leave(self):
        """Leave Odoo, upon which what was not sent yet is sent."""
        self.page.goto("about:blank")

    def log_in(self, login, password, path=""):
        """Log in by the form, and end at ``path`` or where Odoo leads to."""
        self.open(f"/web/login?redirect={path}" if path else "/web/login")
        self.page.fill("#login", login)
        self.page.fill("#password", password)
        self.page.click(".oe_login_form button[type=submit]")
        self.page.wait_for_url(lambda url: "/web/login" not in url)


@pytest.fixture
def new_tab(stack, chromium):
    """A function that opens a tab of a browser that nobody has used; no script may fail on its pages.

    The browser is Chromium, unless another one is given.
    """
    tabs = []

    def new(browser=chromium):
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        tabs.append(Tab(stack, page))
        return tabs[-1]

    yield new
    for tab in tabs:
        tab.page.context.close()
        assert not tab.errors


@pytest.fixture
def tab(new_tab):
    """One such tab."""
    return new_tab()


@pytest.fixture
def web_client(stack, tab, metrics):
    """A tab in which the administrator has the list of influencers open; ``metrics`` compare with that moment."""
    tab.log_in("admin", stack.layout.secret("admin"), "/odoo/action-influencegen.influencer_action")
    tab.page.wait_for_selector(".o_list_renderer")
    until(lambda: metrics.total(f"{LOADS}_count") == 2, "the login and the web client are counted")
    metrics.begin()
    return tab


@pytest.fixture
def influencer(admin):
    """The name of an influencer that the back office has just entered."""
    name = f"Ada {uuid.uuid4().hex[:8]}"
    created = admin.call("influencegen.influencer", "create", {
        "name": name, "email": f"{uuid.uuid4().hex}@example.com", "birthdate": "1990-01-01",
    })  # fmt: skip
    admin.call("influencegen.influencer", "action_record_consent", [created])
    return name
