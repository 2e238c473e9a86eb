"""The running system with some business on it, and an administrator's browser."""

import pytest

from stack.scenarios import demo
from stack.scenarios.traffic import Traffic, administrator
from stack.verify import reconcile
from tests.pages.browsing import administrator_page
from tests.waiting import until

WANTED = {"registration", "document", "image", "payment"}
SCRAPED = {"influencer_registration_success_total", "ai_image_generation_success_total"}


@pytest.fixture(scope="session")
def business(stack):
    """The running system, after some business that Prometheus knows of."""
    traffic = Traffic(stack)
    traffic.start()
    try:
        until(lambda: traffic.done.keys() >= WANTED, "some of everything has happened", 300)
    finally:
        traffic.stop()
    demo.wait_for_quiet(stack, administrator(stack))
    until(lambda: reconcile.stored(stack, SCRAPED) == reconcile.exposed(stack, SCRAPED), "Prometheus has it", 120)
    good = "backup_last_success_timestamp_seconds > 0"
    until(lambda: reconcile.query(stack, good), "Prometheus has the backups", 240)
    return stack


@pytest.fixture
def page(business, chromium):
    """A page of Odoo, logged in as administrator."""
    with administrator_page(business, chromium) as page:
        yield page


@pytest.fixture
def admin(business):
    """The administrator, by RPC; what it set is put back."""
    admin = administrator(business)
    [user] = admin.call("res.users", "search", [("login", "=", "admin")])
    yield admin
    admin.call("res.users", "write", [user], {"telemetry_alerts": False})
