"""Every menu and every view of the back office opens without an error, for each who may open it."""

import pytest

from stack.scenarios.portal import Influencer
from stack.services.odoo_client import OdooClient

from .people import PASSWORD

LIST_FIRST = ("list", "kanban", "graph", "activity")
WITH_PIVOT = ("list", "kanban", "graph", "pivot", "activity")
# For each menu its parent, the title of what it opens, and the views, the first first.
MENUS = {
    "menu_influencer": ("menu_influencers", "Influencers", WITH_PIVOT),
    "menu_kyc_review": ("menu_influencers", "KYC review queue", ("list",)),
    "menu_kyc": ("menu_influencers", "KYC submissions", LIST_FIRST),
    "menu_campaign": ("menu_campaigns", "Campaigns", ("kanban", "list", "graph", "activity")),
    "menu_application": ("menu_campaigns", "Applications", WITH_PIVOT),
    "menu_content": ("menu_campaigns", "Content", LIST_FIRST),
    "menu_payment": ("menu_payments", "Payments", WITH_PIVOT),
    "menu_image": ("menu_images", "AI images", ("list", "kanban", "graph", "pivot")),
    "menu_image_request": ("menu_images", "Request an image", ("form",)),
    "menu_image_model": ("menu_configuration", "Image models", ("list",)),
    "menu_settings": ("menu_configuration", "Settings", ("form",)),
}
CAMPAIGNS = {"menu_campaign", "menu_application", "menu_content", "menu_image", "menu_image_request"}
ROLES = {
    "campaign_manager": {"menu_influencer", *CAMPAIGNS},
    "kyc_reviewer": {"menu_influencer", "menu_kyc_review", "menu_kyc"},
    "finance": {"menu_influencer", "menu_payment"},
}
# Lists whose rows are edited in place.
WITHOUT_FORM = {"menu_image_model"}
# Console errors that are not the platform's: the tests bypass the proxy, so websockets do not reach the gevent worker,
# and Debian's package lacks a script for Odoo's video calls.
NOT_OURS = ("WebSocket connection to", "selfie_segmentation")


@pytest.fixture
def complaints():
    """What the browser's console has said of errors."""
    return []


@pytest.fixture
def back_office(platform, open_page, complaints):
    """A function that opens the platform's menu as a user, and returns the page."""

    def back_office(login, password):
        person = Influencer(platform.url, email=login)
        person.log_in(password)
        page = open_page("about:blank", person)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        root = platform.admin.call("ir.model.data", "check_object_reference", "influencegen", "influencer_action")[1]
        page.goto(f"{platform.url}/odoo/action-{root}")
        page.locator(".o_list_view").wait_for()
        return page

    return back_office


def open_menu(page, name):
    """Choose a menu as a user does, and wait for what it opens; return the views it offers."""
    parent, title, views = MENUS[name]
    page.click(f".o_menu_sections [data-menu-xmlid='influencegen.{parent}']")
    page.click(f".o-dropdown--menu [data-menu-xmlid='influencegen.{name}']")
    if name == "menu_image_request":
        page.locator(".modal .o_form_view").wait_for()
        assert page.locator(".modal-title").inner_text() == title
        page.click(".modal .btn-close")
        page.locator(".modal").wait_for(state="detached")
        return ()
    page.locator(".o_breadcrumb .active, .o_last_breadcrumb_item").get_by_text(title, exact=True).wait_for()
    page.locator(f".o_{views[0]}_view").wait_for()
    return views


def open_record(page):
    """Open the first record of the list; the test's business sees to it that there is one."""
    # a tooltip of the header may cover the row
    page.mouse.move(0, 0)
    page.locator(".o_data_row .o_data_cell").first.click()
    page.locator(".o_form_view").wait_for()


def menus_of(platform, login, password):
    """Return the names of the platform's menus that open something for a user."""
    menus = OdooClient(platform.url, login, password).call("ir.ui.menu", "load_web_menus", [], False)
    [root] = [menu["id"] for menu in menus.values() if menu["xmlid"] == "influencegen.menu_root"]
    return {
        menu["xmlid"].removeprefix("influencegen.")
        for menu in menus.values()
        if menu["appID"] == root and menu["xmlid"].removeprefix("influencegen.") in MENUS
    }  # fmt: skip


def errors(page, complaints):
    """Return what the page or the console shows as failed."""
    dialogs = page.locator(".o_error_dialog, .o_notification:has(.bg-danger)").all_inner_texts()
    return dialogs + [complaint for complaint in complaints if not any(part in complaint for part in NOT_OURS)]


def test_administrator(platform, working, referred, back_office, complaints):
    page = back_office("admin", platform.stack.layout.secret("admin"))
    for name in MENUS:
        for view in open_menu(page, name):
            if not page.locator(f".o_{view}_view.o_view_controller").count():
                page.click(f".o_switch_view.o_{view}")
                page.locator(f".o_{view}_view.o_view_controller").wait_for()
            if view == "list" and name not in WITHOUT_FORM:
                open_record(page)
                page.go_back()
                page.locator(".o_list_view").wait_for()
            assert errors(page, complaints) == [], (name, view)


@pytest.mark.parametrize("role", ROLES)
def test_role(platform, working, referred, back_office, complaints, role):
    login = platform.create_user(role)
    assert menus_of(platform, login, PASSWORD) == ROLES[role]
    page = back_office(login, PASSWORD)
    for name in MENUS.keys() & ROLES[role]:
        if open_menu(page, name)[:1] == ("list",):
            open_record(page)
        assert errors(page, complaints) == [], name
