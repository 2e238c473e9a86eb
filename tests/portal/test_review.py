"""A reviewer decides on ten identity documents by keyboard, without leaving the page."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from stack.scenarios.demo import control, wait
from stack.scenarios.portal import picture
from stack.services.odoo import DATABASE
from tests.waiting import until

from .people import DESKTOP, KYC, NEVER, PASSWORD, SECONDS
from .test_keyboard import tab_to

DOCUMENTS = 10
SHOWN = ".o_field_widget[name=document] img, .o_field_widget[name=document] iframe"


def scan():
    """Return a PDF of one page."""
    content = io.BytesIO()
    Image.new("RGB", (640, 480), "navy").save(content, "PDF")
    return content.getvalue()


@pytest.fixture
def queue(platform):
    """The ids of ten submissions in review, as the queue lists them, pictures and PDFs in turn."""
    before = control(platform.stack, "kyc", {"outcomes": {**NEVER, "referred": 1.0}})
    try:
        people = [platform.newcomer(f"Person {number}") for number in range(DOCUMENTS)]
        for number, person in enumerate(people):
            document = (scan(), "passport.pdf") if number % 2 else (picture(), "passport.png")
            assert person.upload_document(*document)
        emails = [person.email for person in people]
        in_review = [("influencer_id.email", "in", emails), ("state", "=", "review")]
        wait(
            lambda: platform.admin.call(KYC, "search_count", in_review) == DOCUMENTS,
            2 * SECONDS,
            "The KYC service does not refer all documents",
        )
    finally:
        control(platform.stack, "kyc", before)
    return platform.admin.call(KYC, "search", [("state", "=", "review")], order="review_requested_at, id")


@pytest.fixture
def page(platform, chromium):
    """A reviewer's browser."""
    context = chromium.new_context(viewport=DESKTOP, base_url=platform.url, service_workers="block")
    who = {"db": DATABASE, "login": platform.create_user("kyc_reviewer"), "password": PASSWORD}
    context.request.post("/web/session/authenticate", data={"jsonrpc": "2.0", "params": who})
    context.set_default_timeout(SECONDS * 1000)
    yield context.new_page()
    context.close()


def shows(page, selector, text):
    expect(page.locator(selector)).to_have_text(text, timeout=SECONDS * 1000)


def test_ten_documents(platform, queue, page):
    page.goto("/odoo/action-influencegen.kyc_review_action")
    page.locator(".o_data_row").nth(DOCUMENTS - 1).wait_for()
    page.locator(".o_searchview_input:focus").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    for number, _kyc in enumerate(queue):
        shows(page, ".o_pager_value", str(number + 1))
        document = page.locator(SHOWN)
        expect(document).to_be_visible(timeout=SECONDS * 1000)
        until(lambda document=document: document.bounding_box()["height"] >= 48, "the document is shown", SECONDS)
        shows(page, ".o_arrow_button_current", "In review")
        if number % 3:
            page.keyboard.press("Alt+q")
            decided = "Approved"
        else:
            tab_to(page, ".o_field_widget[name=reason] input")
            page.keyboard.type("The document is blurred")
            page.keyboard.press("Alt+x")
            decided = "Rejected"
        shows(page, ".o_arrow_button_current", decided)
        # while the record is read again, the way to the next one is closed
        page.locator(".o_pager_next:enabled").wait_for()
        page.keyboard.press("Alt+n")
    states = platform.admin.call(KYC, "read", queue, ["state", "reason"])
    assert [(kyc["state"], kyc["reason"]) for kyc in states] == [
        ("approved", False) if number % 3 else ("rejected", "The document is blurred") for number in range(len(queue))
    ]
