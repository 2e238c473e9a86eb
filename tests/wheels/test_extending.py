"""The addon of docs/extending.md, as it stands there, in a plain Odoo that has telemetry's wheel."""

import json
import re

import pytest
import requests

from stack.layout import PROJECT
from tests.waiting import until

TUTORIAL = (PROJECT / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r"^`(sale_telemetry/\w+\.py)`:\n\n```python\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL))
COMMAND = re.search(r"^odoo --config .*$", TUTORIAL, re.MULTILINE)[0]
SHOWN = re.search(r"^`/metrics` then has\n\n```\n(.*?)```", TUTORIAL, re.MULTILINE | re.DOTALL)[1]
SALES = """
from contextlib import suppress
order = {"partner_id": env.ref("base.main_partner").id}
orders = env["sale.order"].create([order] * 4)
for confirmed in orders[:2]:
    confirmed.action_confirm()
orders[2].action_quotation_sent()
env.cr.commit()
orders[0]._action_cancel()
with suppress(ZeroDivisionError), env.cr.savepoint():
    env["sale.order"].create(order).action_confirm()
    env.flush_all()
    1 / 0
env.cr.commit()
"""
FAILED_MAIL = """
env["mail.mail"].create({"state": "exception"})
env.cr.commit()
"""
TILE = """
import json
[tile, *others] = env["telemetry.overview"].with_user(env.ref("base.user_admin")).read_tiles("hour")
print(json.dumps({**tile, "listed": env[tile["action"]["res_model"]].search_count(tile["action"]["domain"])}))
"""


def test_it_is_short():
    assert set(FILES) == {f"sale_telemetry/{name}.py" for name in ("__manifest__", "__init__", "models", "health")}
    assert sum(len(text.splitlines()) for text in FILES.values()) < 60


@pytest.fixture(scope="module")
def extended(plain, answer):
    """The plain Odoo after what the tutorial says, and after some sales; it runs."""
    (plain.folder / "addons" / "sale_telemetry").mkdir(parents=True)
    for name, text in FILES.items():
        (plain.folder / "addons" / name).write_text(text)
    plain.set(addons_path=",".join(map(str, [*plain.source.addons_path, plain.folder / "addons"])))
    plain.run(COMMAND)
    plain.shell(SALES)
    with plain.serving():
        yield plain


@pytest.mark.system
def test_a_scrape_shows_the_lines_of_the_tutorial(extended):
    token = (extended.folder / "token").read_text().strip()
    scraped = requests.get(f"{extended.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=30).text
    assert [line for line in scraped.splitlines() if line.startswith("sale_")] == SHOWN.splitlines()
    assert "# HELP sale_orders_confirmed_total Orders confirmed." in scraped


@pytest.mark.system
def test_the_tile_shows_the_orders_of_the_hour_that_are_still_confirmed(extended):
    tile = json.loads(extended.shell(TILE))
    assert (tile["name"], tile["title"], tile["value"]) == ("sales", "Confirmed orders", 1)
    assert sum(tile["chart"]["series"][0]["values"]) == 1
    assert tile["listed"] == 1


@pytest.mark.system
def test_the_health_check_reports_a_failed_email(extended):
    def checked():
        return requests.get(f"{extended.url}/telemetry/health/ready", timeout=30).json()["checks"]["sale_mail"]

    assert checked() == "ok"
    extended.shell(FAILED_MAIL)
    until(lambda: checked() == "failed", "the failed e-mail is reported", 45)
