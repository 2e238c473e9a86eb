import re
from pathlib import Path

import pytest

from stack import odoo, postgres
from stack import system as whole

from .load import Office
from .pressure import press
from .servers import SPARE

ADDONS = Path(__file__).parent / "addons"


@pytest.fixture(scope="session")
def system(stack):
    """The running system with the trial addon, two spare copies of the database, and a Prometheus that scrapes fast."""
    stack.processes.stop("odoo")
    for name in SPARE:
        postgres.execute(stack.layout, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        postgres.execute(stack.layout, f'CREATE DATABASE "{name}" TEMPLATE "{odoo.DATABASE}"')
    configuration = stack.layout.state / f"{odoo.DATABASE}.conf"
    text = re.sub(r"^addons_path = .*$", rf"\g<0>,{ADDONS}", configuration.read_text(), flags=re.MULTILINE)
    configuration.write_text(text)
    installed = "SELECT 1 FROM ir_module_module WHERE name = 'influencegen_trial' AND state = 'installed'"
    if not postgres.execute(stack.layout, installed, database=odoo.DATABASE):
        arguments = ("server", "--init", "influencegen_trial", "--stop-after-init")
        odoo.run_once(stack.layout, stack.source, configuration, *arguments)
    stack.processes.start("odoo")
    prometheus = stack.layout.state / "prometheus.yml"
    prometheus.write_text(re.sub(r"scrape_(interval|timeout): \d+s", r"scrape_\1: 5s", prometheus.read_text()))
    stack.processes.reload("prometheus")
    stack.processes.wait("odoo", lambda: whole.answers(stack.url("odoo", "/web/login")))
    return stack


@pytest.fixture(scope="session")
def office(system):
    """The business of the running system: four active influencers and six campaigns."""
    office = Office(system, system.url("odoo"), odoo.DATABASE, influencers=4, campaigns=6)
    office.parameter("influencegen.image_daily_quota", 100_000)
    office.parameter("influencegen.payment_provider", "http")
    return office


@pytest.fixture(scope="session")
def pressure(system, office):
    """What there was after business under load with recycled and killed workers."""
    return press(system, office)
