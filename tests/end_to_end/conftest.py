from pathlib import Path

import pytest

from stack import system as whole
from stack.services import n8n, odoo, postgres
from tests.waiting import until

from .databases import FIRST, SECOND, THIRD, Databases, open_to_the_token
from .image_path import HEALTHY, LIMITS, ImagePath
from .load import BackOffice, behave
from .pressure import press, settle
from .servers import SPARE
from .switching import brought_up, scrape_fast

ADDONS = Path(__file__).parent / "addons"


@pytest.fixture(scope="session")
def system(stack):
    """The running system with the trial addon, two spare copies of the database, and a Prometheus that scrapes fast."""
    stack.processes.stop("odoo")
    # an exporter's session would keep PostgreSQL from copying the database
    sessions = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{odoo.DATABASE}'"
    for name in SPARE:
        postgres.execute(stack.layout, sessions, role=postgres.ADMIN)
        postgres.execute(stack.layout, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        postgres.execute(stack.layout, f'CREATE DATABASE "{name}" TEMPLATE "{odoo.DATABASE}"')
        open_to_the_token(stack.layout, name)
    with pytest.MonkeyPatch.context() as patch:
        path = "addons_path = {addons_path}"
        patch.setattr(odoo, "CONFIGURATION", odoo.CONFIGURATION.replace(path, f"{path},{ADDONS}"))
        configuration = odoo.configure(stack.layout, stack.source)
        installed = "SELECT 1 FROM ir_module_module WHERE name = 'influencegen_trial' AND state = 'installed'"
        if not postgres.execute(stack.layout, installed, database=odoo.DATABASE):
            arguments = ("server", "--init", "influencegen_trial", "--stop-after-init")
            odoo.run_once(stack.layout, stack.source, configuration, *arguments)
        stack.processes.start("odoo")
        scrape_fast(stack)
        stack.processes.wait("odoo", lambda: whole.answers(stack.url("odoo", "/web/login")))
        yield stack


@pytest.fixture(scope="module")
def queue_mode(system):
    """n8n in queue mode: one main process, two workers, and Redis."""
    with brought_up(system, whole.N8nMode(workers=2)):
        yield


@pytest.fixture(scope="session")
def back_office(system):
    """The business of the running system: four active influencers and six campaigns."""
    back_office = BackOffice(system, system.url("odoo"), odoo.DATABASE, influencers=4, campaigns=6)
    back_office.parameter("influencegen.image_daily_quota", 100_000)
    back_office.parameter("influencegen.payment_provider", "http")
    return back_office


@pytest.fixture(scope="session")
def pressure(system, back_office):
    """What there was after business under load with recycled and killed workers."""
    return press(system, back_office)


@pytest.fixture
def image_path(system, back_office):
    """The path of AI images, at rest, with timeouts that a test can wait for."""
    n8n.limit(system.layout, **LIMITS)
    behave(system, "ai", **HEALTHY)
    settle(back_office)
    until(lambda: n8n.idle(system.layout), "n8n has nothing to do", 180)
    return ImagePath(system, back_office)


@pytest.fixture
def databases(system):
    """Two databases for a test, of which it may do what it likes; and the names of what it may make."""
    databases = Databases(system)
    for name in (FIRST, SECOND):
        databases.make(name)
        open_to_the_token(system.layout, name)
    yield databases
    for name in (FIRST, SECOND, THIRD, "trial_backup"):
        databases.drop(name)
