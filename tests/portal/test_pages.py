"""Every page that a visitor or an influencer sees: usable by all, at a desk and on a phone."""

import pytest

from .accessibility import findings, overflow
from .people import fresh_email

HOME = "/my/influencegen"


def check(page):
    """Assert what holds on every page."""
    assert findings(page) == []
    assert overflow(page) == 0
    assert page.locator("h1").count() == 1
    assert page.title() not in ("", "Odoo")
    assert page.locator("html").get_attribute("lang")


def focused(page):
    """Return the id of the element that has the focus."""
    return page.evaluate("document.activeElement.id")


def described(page, selector):
    """Return what a field that was refused is described by."""
    page.locator(f"{selector}[aria-invalid=true]").wait_for()
    return page.locator(f"#{page.locator(selector).get_attribute('aria-describedby')}").inner_text()


def fill_in_registration(page, **values):
    values = {"name": "Ada Okafor", "email": fresh_email(), "birthdate": "1994-05-12", **values}
    for name, value in values.items():
        page.fill(f"#registration_{name}", value)
    page.locator("[name=handle]").first.fill("ada.bakes")
    page.check("#registration_consent")
    page.click("text=Register")


class TestRegistration:
    def test_the_form(self, platform, open_page, viewport):
        check(open_page(f"{platform.url}/influencegen/register", viewport=viewport))

    @pytest.mark.parametrize(
        "field, value, message",
        [
            ("name", "   ", "A name is required."),
            ("birthdate", "2020-01-01", "An influencer must be at least 18 years old."),
        ],
    )
    def test_what_is_refused_is_said_at_its_field(self, platform, open_page, viewport, field, value, message):
        page = open_page(f"{platform.url}/influencegen/register", viewport=viewport)
        fill_in_registration(page, **{field: value})
        assert described(page, f"#registration_{field}") == message
        assert focused(page) == f"registration_{field}"
        assert page.locator("[name=handle]").first.input_value() == "ada.bakes"
        check(page)

    @pytest.mark.parametrize("address", ["new", "taken"])
    def test_the_answer_does_not_tell_a_new_address_from_a_taken_one(
        self, platform, working, open_page, viewport, address
    ):
        email = working.email if address == "taken" else fresh_email()
        page = open_page(f"{platform.url}/influencegen/register", viewport=viewport)
        fill_in_registration(page, email=email)
        page.get_by_role("heading", name="Check your e-mail").wait_for()
        assert f"We have sent a message to {email}" in page.locator("p.lead").inner_text()
        check(page)


class TestPortal:
    def test_home(self, platform, working, open_page, viewport):
        page = open_page(f"{platform.url}/my/home", working, viewport)
        assert page.locator("a[href='/my/influencegen']").is_visible()
        assert findings(page) == []
        assert overflow(page) == 0

    def test_identity_check(self, platform, open_page, viewport):
        page = open_page(platform.url + HOME, platform.newcomer(), viewport)
        check(page)
        page.set_input_files("#kyc_document", {"name": "me.pdf", "mimeType": "application/pdf", "buffer": b"MZ"})
        page.select_option("#kyc_document_type", "identity_card")
        page.click("text=Send the document")
        assert described(page, "#kyc_document") == "The document must be a PDF, JPEG or PNG file."
        assert focused(page) == "kyc_document"
        assert page.input_value("#kyc_document_type") == "identity_card"
        check(page)

    @pytest.mark.parametrize(
        "outcome, text",
        [("referred", "We are checking your document."), ("rejected", "We could not confirm your identity")],
    )
    def test_outcome_of_the_identity_check(self, platform, open_page, viewport, outcome, text):
        page = open_page(platform.url + HOME, platform.checked(outcome), viewport)
        assert page.get_by_text(text).is_visible()
        check(page)

    def test_suspended(self, platform, open_page, viewport):
        person = platform.checked("approved")
        found = platform.admin.call("influencegen.influencer", "search", [("email", "=", person.email)])
        platform.admin.call("influencegen.influencer", "action_suspend", found)
        page = open_page(platform.url + HOME, person, viewport)
        assert page.get_by_text("Your account is suspended").is_visible()
        assert not page.get_by_role("button", name="Ask").count()
        check(page)

    def test_work(self, platform, working, open_page, viewport):
        page = open_page(platform.url + HOME, working, viewport)
        for heading in ("Applications and contents", "Open campaigns", "AI images", "Payments"):
            assert page.get_by_role("heading", name=heading).is_visible()
        for state in ("Declined", "Rejected", "Paid", "Pending", "Done", "Failed"):
            assert page.get_by_text(state, exact=True).first.is_visible()
        check(page)

    def test_application(self, platform, open_page, viewport):
        page = open_page(platform.url + HOME, platform.checked("approved"), viewport)
        form = page.get_by_role("form", name="Application to Summer skin").first
        form.get_by_label("Why you").fill("I film outdoors.")
        form.get_by_role("button", name="Apply").click()
        assert page.get_by_role("status").inner_text() == "Your application was sent."
        check(page)

    def test_content(self, platform, working, open_page, viewport):
        page = open_page(platform.url + HOME, working, viewport)
        form = page.get_by_role("form", name="Content for Winter kit")
        form.get_by_label("Address of the content").fill("ftp://example.com/post")
        form.get_by_label("Caption").fill("Snow")
        form.get_by_role("button", name="Submit").click()
        field = f"content_{working.applications[1]}_url"
        assert described(page, f"#{field}") == "The content needs a web address (http or https)."
        assert focused(page) == field
        assert form.get_by_label("Caption").input_value() == "Snow"
        check(page)
        page.fill(f"#{field}", "https://example.com/post")
        page.keyboard.press("Enter")
        assert page.get_by_role("status").inner_text() == "Your content was submitted."
        check(page)

    def test_image(self, platform, working, open_page, viewport):
        page = open_page(platform.url + HOME, working, viewport)
        page.fill("#image_prompt", "   ")
        page.select_option("#image_model", "sdxl")
        page.click("text=Ask")
        assert described(page, "#image_prompt") == "Say what the image should show."
        assert focused(page) == "image_prompt"
        assert page.input_value("#image_model") == "sdxl"
        check(page)
        page.fill("#image_prompt", "A lamp in the snow")
        page.keyboard.press("Enter")
        assert page.get_by_role("status").inner_text().startswith("Your image is being made.")
        check(page)
