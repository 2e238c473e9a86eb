"""Every page that a public user or an influencer sees: usable by all, at a desk and on a phone."""

import io

import pytest
from PIL import Image

from stack.scenarios.portal import picture

from .accessibility import findings, overflow
from .people import DESKTOP, browser_of, fresh_email

HOME = "/my/influencegen"
WRONG_TYPE = (
    "“me.pdf” is not a PDF, JPEG or PNG file, or its file extension does not match its content. Choose another file."
)


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


def until_upload_is_ready(page):
    """Wait until the script of the upload is loaded: without it, the form is sent as any other."""
    page.wait_for_function("odoo.loader?.modules.has('@influencegen/upload')")


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
            (
                "birthdate",
                "2020-01-01",
                "An influencer must be at least 18 years old, and 01/01/2020 is too recent. Check the date of birth.",
            ),
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
        assert f"We are sending an e-mail to {email}" in page.locator("p.lead").inner_text()
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
        page.click("text=Upload document")
        page.locator("#kyc_document[autofocus]").wait_for()
        assert described(page, "#kyc_document") == WRONG_TYPE
        assert focused(page) == "kyc_document"
        assert page.input_value("#kyc_document_type") == "identity_card"
        check(page)

    def test_a_file_that_is_too_large_is_refused_before_it_is_sent(self, platform, open_page, viewport):
        page = open_page(platform.url + HOME, platform.newcomer(), viewport)
        until_upload_is_ready(page)
        sent = []
        page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
        file = {"name": "me.png", "mimeType": "image/png", "buffer": b"\0" * (5 * 1024 * 1024 + 1)}
        page.set_input_files("#kyc_document", file)
        message = described(page, "#kyc_document")
        assert message == "“me.png” is larger than 5 MB. Choose a smaller file, or a lower resolution."
        page.click("text=Upload document")
        assert not [url for url in sent if url.endswith("/kyc")]
        check(page)
        page.set_input_files("#kyc_document", {"name": "me.png", "mimeType": "image/png", "buffer": picture()})
        page.locator("#kyc_document[aria-invalid]").wait_for(state="detached")

    def test_progress_of_the_upload(self, platform, open_page, viewport):
        page = open_page(platform.url + HOME, platform.newcomer(), viewport)
        until_upload_is_ready(page)
        noise = io.BytesIO()
        Image.effect_noise((700, 700), 100).save(noise, "PNG")
        page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", {
            "offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": len(noise.getvalue()) // 3,
        })  # fmt: skip
        page.set_input_files("#kyc_document", {"name": "me.png", "mimeType": "image/png", "buffer": noise.getvalue()})
        page.click("text=Upload document")
        page.wait_for_function("(value => value > 0 && value < 1)(document.querySelector('progress')?.value)")
        assert page.get_by_role("progressbar", name="Upload progress").is_visible()
        assert page.get_by_role("button", name="Upload document").is_disabled()
        page.get_by_text("Your document has been uploaded.").wait_for()
        assert page.get_by_text("We are checking your document.").is_visible()
        check(page)

    def test_an_interrupted_upload_can_be_repeated(self, platform, open_page, viewport):
        page = open_page(platform.url + HOME, platform.newcomer(), viewport)
        until_upload_is_ready(page)
        page.set_input_files("#kyc_document", {"name": "me.png", "mimeType": "image/png", "buffer": picture()})
        page.context.set_offline(True)
        page.click("text=Upload document")
        assert described(page, "#kyc_document").startswith("The document was not uploaded. Check your connection")
        assert focused(page) == "kyc_document"
        page.context.set_offline(False)
        page.click("text=Upload document")
        page.get_by_text("Your document has been uploaded.").wait_for()

    def test_without_javascript(self, platform, chromium):
        context = browser_of(chromium, platform.newcomer(), DESKTOP, java_script_enabled=False)
        try:
            page = context.new_page()
            page.goto(platform.url + HOME)
            for name, content, text in (
                ("me.pdf", b"MZ", WRONG_TYPE), ("me.png", picture(), "Your document has been uploaded."),
            ):  # fmt: skip
                assert not page.locator("progress").is_visible()
                page.set_input_files("#kyc_document", {"name": name, "mimeType": "image/png", "buffer": content})
                page.click("text=Upload document")
                page.get_by_text(text).wait_for()
        finally:
            context.close()

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
        assert not page.get_by_role("button", name="Request").count()
        check(page)

    def test_work(self, platform, working, open_page, viewport):
        page = open_page(platform.url + HOME, working, viewport)
        for heading in ("Applications and content", "Open campaigns", "AI images", "Payments"):
            assert page.get_by_role("heading", name=heading, level=2).is_visible()
        for image in page.locator("#influencegen_images img").all():
            image.scroll_into_view_if_needed()
            page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=image.element_handle())
        for state in ("Declined", "Rejected", "Paid", "Pending", "Done", "Failed"):
            assert page.get_by_text(state, exact=True).first.is_visible()
        check(page)

    def test_gallery(self, platform, working, open_page, viewport):
        page = open_page(platform.url + "/my/influencegen/images", working, viewport)
        assert page.get_by_role("img", name="AI image: A poster of a city at night").first.is_visible()
        check(page)

    def test_application(self, platform, open_page, viewport):
        page = open_page(platform.url + HOME, platform.checked("approved"), viewport)
        form = page.get_by_role("form", name="Apply to Summer skin").first
        form.get_by_label("Why you are a good fit").fill("I film outdoors.")
        form.get_by_role("button", name="Apply").click()
        assert (
            page.get_by_role("status").inner_text() == "Your application has been sent. The decision will appear here."
        )
        check(page)

    def test_content(self, platform, working, open_page, viewport):
        page = open_page(platform.url + HOME, working, viewport)
        form = page.get_by_role("form", name="Submit content for Winter kit")
        form.get_by_label("Address of the published post").fill("ftp://example.com/post")
        form.get_by_label("Caption").fill("Snow")
        form.get_by_role("button", name="Submit").click()
        field = f"content_{working.applications[1]}_url"
        assert described(page, f"#{field}") == (
            "“ftp://example.com/post” is not a web address. Enter the address of the published post, starting with https://."
        )
        assert focused(page) == field
        assert form.get_by_label("Caption").input_value() == "Snow"
        check(page)
        page.fill(f"#{field}", "https://example.com/post")
        page.keyboard.press("Enter")
        assert (
            page.get_by_role("status").inner_text()
            == "Your content has been submitted. The result of the review will appear here."
        )
        check(page)

    def test_image(self, platform, working, open_page, viewport):
        page = open_page(platform.url + HOME, working, viewport)
        page.fill("#image_prompt", "   ")
        page.select_option("#image_model", "sdxl")
        page.click("#influencegen_images button")
        assert described(page, "#image_prompt") == "Describe what the image should show."
        assert focused(page) == "image_prompt"
        assert page.input_value("#image_model") == "sdxl"
        check(page)
        page.fill("#image_prompt", "A lamp in the snow")
        page.keyboard.press("Enter")
        assert page.get_by_role("status").inner_text().startswith("Your image is being generated.")
        check(page)
