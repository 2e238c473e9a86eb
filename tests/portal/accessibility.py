"""What axe-core finds on a page, and what of it counts."""

from axe_playwright_python.sync_playwright import Axe

COUNTED = ("serious", "critical")
# Odoo's own elements, which our templates can't reach, with the reason for each.
NOT_OURS = {}


def findings(page):
    """Return the serious and critical findings of axe-core on a page: rule, help, and the elements."""
    response = Axe().run(page, context={"exclude": [[selector] for selector in NOT_OURS]}).response
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['html']} {node['failureSummary']}"
        for violation in response["violations"]
        if violation["impact"] in COUNTED
        for node in violation["nodes"]
    ]


def overflow(page):
    """Return by how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
