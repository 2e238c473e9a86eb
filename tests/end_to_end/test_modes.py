"""Other ways to run Odoo: threads, several databases on one server, upgrades and uninstallation while it runs."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stack.services import postgres
from tests.waiting import until

from .client import Client
from .databases import open_to_the_token
from .load import address
from .pressure import ATTEMPTS, SUCCESS
from .servers import SPARE, serving

ONE, TWO = SPARE
LEFTOVERS = """
    SELECT 'parameter ' || key FROM ir_config_parameter WHERE key LIKE 'odoo_telemetry.%'
    UNION SELECT 'data ' || name FROM ir_model_data WHERE module IN ('odoo_telemetry', 'influencegen_telemetry')
    UNION SELECT 'model ' || model FROM ir_model WHERE model LIKE 'telemetry.%'
    UNION SELECT 'table ' || relname::text FROM pg_class WHERE relname LIKE 'telemetry_%'
    UNION SELECT 'function ' || proname::text FROM pg_proc WHERE proname LIKE 'telemetry_%'
    UNION SELECT 'user ' || login FROM res_users WHERE login LIKE '%telemetry%'
    UNION SELECT 'partner ' || name FROM res_partner WHERE name LIKE 'Telemetry%'
    UNION SELECT 'column ' || attname::text FROM pg_attribute WHERE attname LIKE 'telemetry_%' AND NOT attisdropped
"""


def administrator(system, server, database):
    """Return the administrator's client of a database."""
    return Client(server.url, database).log_in(database, "admin", system.layout.secret("admin"))


def new_token(admin):
    """Make a scrape token as an administrator does, end the older ones, and return it."""
    settings = admin.call("res.config.settings", "create", [{}])
    token = admin.call("res.config.settings", "action_telemetry_new_token", settings)["context"]["default_token"]
    admin.call("res.config.settings", "action_telemetry_end_older_token", settings)
    return token


def uninstall(admin):
    """Uninstall the addons as an administrator does."""
    found = admin.call("ir.module.module", "search", [("name", "=", "odoo_telemetry")])
    admin.call("ir.module.module", "button_immediate_uninstall", found)


def attempts(response):
    """Return {value of the label database, or None: counter of registrations tried} of a scrape."""
    return counters(response, ATTEMPTS)


def counters(response, name):
    """Return {value of the label database, or None: counter} of a scrape."""
    assert response.ok, response.text
    return {
        sample.labels.get("database"): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name
    }


def test_threads_and_several_databases(system):
    with serving(system, SPARE, workers=0) as server:
        token = new_token(administrator(system, server, TWO))
        before = {**attempts(server.metrics()), **attempts(server.metrics(token))}
        Client(server.url, ONE).register(address())
        assert attempts(server.metrics()) == {ONE: before[ONE] + 1}
        assert attempts(server.metrics(token)) == {TWO: before[TWO]}
        assert server.metrics("nobody's").status_code == 401
        assert 'odoo_workers_active{kind="threaded"} 1.0' in server.metrics().text


def test_one_database_has_a_label_as_several_have(system):
    with serving(system, [ONE], workers=0) as server:
        Client(server.url).register(address())
        assert attempts(server.metrics()) == {ONE: 1}


def test_two_servers_on_one_database_know_the_same_facts(system):
    """Each shows the facts of both at once, so rules take the maximum; what is not a fact each counts by itself."""
    with serving(system, [ONE], workers=0) as first, serving(system, [ONE], workers=2) as second:
        before = counters(first.metrics(), SUCCESS)[ONE]
        assert counters(second.metrics(), SUCCESS) == {ONE: before}
        Client(first.url).register(address())
        assert counters(first.metrics(), SUCCESS) == {ONE: before + 1}
        assert counters(second.metrics(), SUCCESS) == {ONE: before + 1}
        assert attempts(first.metrics()) == {ONE: 1}
        assert attempts(second.metrics()) in ({}, {ONE: 0})


def test_upgrade_keeps_the_counters(system):
    with serving(system, [ONE], workers=2) as server:
        client = Client(server.url)
        client.register(address())
        assert attempts(server.metrics()) == {ONE: 1}
        server.upgrade("odoo_telemetry")
        assert attempts(server.metrics()) == {ONE: 1}
        client.register(address())
        assert attempts(server.metrics()) == {ONE: 2}


@pytest.fixture
def spoiled(system):
    """A spare database that the test may spoil."""
    name = "trial_spoiled"
    postgres.execute(system.layout, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    postgres.execute(system.layout, f'CREATE DATABASE "{name}" TEMPLATE "{ONE}"')
    open_to_the_token(system.layout, name)
    yield name
    postgres.execute(system.layout, f'DROP DATABASE "{name}" WITH (FORCE)')


def test_uninstallation_leaves_nothing_behind(system, spoiled):
    with serving(system, [spoiled], workers=2, server_wide=False) as server:
        admin = administrator(system, server, spoiled)
        Client(server.url).register(address())
        assert server.metrics().ok
        [model] = admin.call("ir.model", "search", [("model", "=", "influencegen.influencer")])
        [user] = admin.call("res.users", "search", [("login", "=", "admin")])
        own = {"name": "people", "meaning": "People.", "kind": "created", "model_id": model, "user_id": user}
        admin.call("telemetry.own.metric", "create", [own])
        Client(server.url).register(address())
        uninstall(admin)
        for _request in range(10):
            Client(server.url).register(address())
        assert server.metrics().status_code == 404
        assert postgres.execute(system.layout, LEFTOVERS, database=spoiled) == []
        until(lambda: not server.telemetry.exists(), "no file is left")
        assert "Traceback" not in server.log.read_text()
