"""From registration to the first image without a mouse."""

from stack.scenarios.demo import wait

from .people import IMAGE, PASSWORD, SECONDS, fresh_email

LONGEST_WAY = 40  # presses of the tabulator


def tab_to(page, selector):
    """Press the tabulator until the element has the focus."""
    for _press in range(LONGEST_WAY):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} can't be reached with the tabulator")


def type_in(page, selector, text):
    tab_to(page, selector)
    page.keyboard.type(text)


def test_register_and_ask_for_an_image(platform, open_page):
    email = fresh_email()
    page = open_page(f"{platform.url}/influencegen/register")
    type_in(page, "#registration_name", "Mei Tanaka")
    type_in(page, "#registration_email", email)
    type_in(page, "#registration_birthdate", "02201997")
    type_in(page, "[name=handle]", "meiplays")
    tab_to(page, "#registration_consent")
    page.keyboard.press("Space")
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check your e-mail").wait_for()

    platform.give_password(email)
    platform.activate(email)
    tab_to(page, "main a.btn-primary")
    page.keyboard.press("Enter")
    page.wait_for_url("**/web/login?**")
    # Odoo's form puts the focus on the first of its fields by itself
    page.locator("#login:focus").wait_for()
    page.keyboard.type(email)
    type_in(page, "#password", PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="AI images").wait_for()
    tab_to(page, "nav a[href='#influencegen_images']")
    page.keyboard.press("Enter")
    type_in(page, "#image_prompt", "A cat that plays")
    tab_to(page, "#image_model")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#image_model option:checked").inner_text()
    tab_to(page, "#influencegen_images button")
    page.keyboard.press("Enter")
    status = page.get_by_role("status")
    status.wait_for()
    assert status.evaluate("element => element === document.activeElement")

    wait(lambda: not platform.unfinished(email), 3 * SECONDS, "The image has no outcome")
    [image] = platform.admin.call(
        IMAGE, "search_read", [("influencer_id.email", "=", email)], ["prompt", "model_id", "state"]
    )
    assert (image["prompt"], image["model_id"][1], image["state"]) == ("A cat that plays", chosen, "done")
