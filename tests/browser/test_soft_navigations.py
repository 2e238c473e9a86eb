"""web-vitals of views within the web client, in a Chromium that distinguishes them.

Chromium does so from 151 on; an older one with a switch.
"""

import pytest

from stack.provide import browser
from tests.waiting import until

from .metrics import LOADS, SOFT_VITALS, VITALS
from .test_web_client import back_to_list, open_form

SWITCH = "--enable-features=SoftNavigationHeuristics"
LIST = "/odoo/action-influencegen.influencer_action"


@pytest.fixture
def soft_navigating(chromium):
    """A Chromium that reports soft navigations."""
    launched = chromium.browser_type.launch(executable_path=browser.chromium(), args=[SWITCH])
    yield launched
    launched.close()


def test_views_have_vitals_of_their_own(stack, soft_navigating, new_tab, metrics, influencer):
    tab = new_tab(soft_navigating)
    tab.log_in("admin", stack.layout.secret("admin"), LIST)
    tab.page.wait_for_selector(".o_list_renderer")
    until(lambda: metrics.total(f"{LOADS}_count") == 2, "the login and the web client are counted")
    metrics.begin()
    addresses = [tab.page.url]
    for go in (open_form, back_to_list):
        go(tab.page)
        tab.page.wait_for_function("(before) => location.href !== before", arg=addresses[-1])
        addresses.append(tab.page.url)
    tab.leave()
    paint, interaction, shift = (f"{name}_count" for name in SOFT_VITALS)
    until(lambda: metrics.total(paint) >= 1 and metrics.total(shift) >= 1, "views are measured")
    assert 0 < metrics.total(f"{SOFT_VITALS[0]}_sum") < 60
    # the page's own vitals are the same as without the switch
    assert metrics.total(f"{VITALS[2]}_count") == 1
