"""The exporters, as they run in the system, and what Prometheus has from them."""

import re
import shutil
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest
import requests
from psycopg2 import extras

from stack.services import odoo, postgres
from stack.verify.reconcile import query
from tests.compose.postgres_container import ROLES, run
from tests.end_to_end.switching import scrape_fast
from tests.exporters.served import served
from tests.exporters.slow_statements import ELSEWHERE
from tests.waiting import until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
HOST = "influencegen-1"
SERVICES = {"odoo": "true", "n8n": "true", "aiservice": "true", "kyc": "false"}


@pytest.fixture(scope="module")
def system(stack):
    """The running system, scraped every 5 s."""
    scrape_fast(stack)
    return stack


@pytest.fixture
def one(system):
    """Function one(expression): the value of the one series that an expression of PromQL gives, once it gives it."""

    def one(expression):
        [series] = until(lambda: query(system, expression), expression, 90)
        return float(series["value"][1])

    return one


# --- in the running system ---


@pytest.mark.parametrize(
    "job, labels",
    [
        ("node", [{"host": HOST, "service_name": "shared"}]),
        ("process", [{"host": HOST}]),
        ("postgres", [{"db_instance": HOST}]),
        ("slow-queries", [{"db_instance": HOST}]),
        ("probe", [{"service_name": service, "critical": critical} for service, critical in SERVICES.items()]),
    ],
)
def test_prometheus_scrapes_its_targets(system, job, labels):
    def targets():
        up = query(system, f'up{{job="{job}"}} == 1')
        return [
            {name: value for name, value in series["metric"].items() if name not in ("__name__", "job", "instance")}
            for series in up
        ]

    def key(target):
        return sorted(target.items())

    until(lambda: sorted(targets(), key=key) == sorted(labels, key=key), f"the targets of {job} are up", 90)


def test_the_processor_is_between_idle_and_busy(one):
    busy = f'100 * (1 - avg(rate(node_cpu_seconds_total{{mode="idle", host="{HOST}", service_name="shared"}}[1m])))'
    assert 0 < one(busy) <= 100


def test_memory_and_disk_are_those_of_this_machine(one):
    assert one("node_memory_MemTotal_bytes") == psutil.virtual_memory().total
    available = one("node_memory_MemAvailable_bytes")
    assert available == pytest.approx(psutil.virtual_memory().available, rel=0.3)
    disk = shutil.disk_usage("/")
    assert one('node_filesystem_size_bytes{mountpoint="/"}') == disk.total
    assert one('node_filesystem_avail_bytes{mountpoint="/"}') == pytest.approx(disk.free, rel=0.1)


def test_disk_and_network_count(one):
    assert one("sum(node_disk_reads_completed_total) + sum(node_disk_writes_completed_total)") > 0
    assert one("sum(node_disk_io_time_seconds_total)") > 0
    assert one('node_network_receive_bytes_total{device="lo"}') > 0
    assert one('node_network_transmit_bytes_total{device="lo"}') > 0


def test_each_service_has_its_processes(system):
    names = {"odoo", "n8n", "postgresql", "aiservice"}

    def found():
        groups = query(system, "namedprocess_namegroup_num_procs > 0")
        return {series["metric"].get("service_name") for series in groups}

    until(lambda: found() == names, f"processes of {names}", 90)
    assert not query(system, '{job="process", groupname=~".+"}')


def test_a_service_uses_what_its_processes_use(system, one):
    workers = [psutil.Process(system.processes.pid("odoo"))]
    workers += workers[0].children(recursive=True)
    # other systems on this machine may add to it
    resident = one('namedprocess_namegroup_memory_bytes{service_name="odoo", memtype="resident"}')
    assert resident > 0.7 * sum(worker.memory_info().rss for worker in workers)
    assert one('sum(namedprocess_namegroup_cpu_seconds_total{service_name="odoo"})') > 1


def test_a_probe_shows_who_is_away(system, one):
    def reached():
        return {series["metric"]["service_name"] for series in query(system, "probe_success == 1")}

    until(lambda: reached() == SERVICES.keys(), "all are reached", 90)
    assert 0 < one('probe_duration_seconds{service_name="odoo"}') < 10
    system.processes.stop("kyc_provider")
    try:
        until(lambda: reached() == SERVICES.keys() - {"kyc"}, "all but the KYC provider are reached", 90)
    finally:
        system.processes.start("kyc_provider")
    until(lambda: reached() == SERVICES.keys(), "all are reached again", 90)


def test_a_slow_statement_reaches_prometheus(system, one):
    counter = f'postgresql_slow_queries_total{{db_instance="{HOST}", database="other"}}'
    before = one(counter)
    postgres.execute(system.layout, "SELECT pg_sleep(1.05)")
    postgres.execute(system.layout, "SELECT pg_sleep(0.5)")
    until(lambda: one(counter) > before, "the slow statement is counted", 60)
    assert one(counter) == before + 1


# --- on a PostgreSQL of its own ---


def values(server, name):
    """The values of a series of postgres_exporter's, by database."""
    found = {}
    for sample in served(server.url("postgres_exporter")):
        if sample.name == name:
            database = sample.labels.get("datname", "")
            found[database] = found.get(database, 0) + sample.value
    return found


@pytest.fixture
def held(server):
    """Twenty connections, 15 to one database and 5 to another."""
    connections = [
        psycopg2.connect(**postgres.dsn(server.layout, database)) for database in [odoo.DATABASE] * 15 + [ELSEWHERE] * 5
    ]
    yield
    for connection in connections:
        connection.close()


@pytest.fixture
def parallel(server):
    """A statement that two processes run."""
    with closing(psycopg2.connect(**postgres.dsn(server.layout, ELSEWHERE), async_=True)) as connection:
        extras.wait_select(connection)
        cursor = connection.cursor()
        cursor.execute(
            "DO $$BEGIN PERFORM set_config(name, 'on', false) FROM pg_settings"
            " WHERE name IN ('force_parallel_mode', 'debug_parallel_query'); END$$"
        )
        extras.wait_select(connection)
        cursor.execute("SELECT pg_sleep(60)")
        workers = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"
        until(lambda: postgres.execute(server.layout, workers), "a second process")
        yield
        postgres.execute(server.layout, f"SELECT pg_terminate_backend({connection.info.backend_pid})")


def test_connections_are_those_of_clients(server, held, parallel):
    connected = {odoo.DATABASE: 15, ELSEWHERE: 6}
    found = {}
    for sample in served(server.url("postgres_exporter")):
        if sample.name == "pg_stat_activity_count" and sample.labels["backend_type"] in ("client backend", ""):
            found[sample.labels["datname"]] = found.get(sample.labels["datname"], 0) + sample.value
    assert {database: found[database] for database in connected} == connected
    [[limit]] = postgres.execute(server.layout, "SHOW max_connections")
    assert values(server, "pg_settings_max_connections") == {"": int(limit)}


def test_a_lock_is_seen(server):
    server.execute("CREATE TABLE locked ()")
    with closing(psycopg2.connect(**postgres.dsn(server.layout, odoo.DATABASE))) as connection:
        connection.cursor().execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
        locks = {
            (sample.labels["datname"], sample.labels["mode"]): sample.value
            for sample in served(server.url("postgres_exporter"))
            if sample.name == "pg_locks_count"
        }
        assert locks[odoo.DATABASE, "accessexclusivelock"] == 1


@pytest.mark.parametrize(
    "name",
    [
        "pg_stat_activity_max_tx_duration",
        "pg_stat_database_deadlocks",
        "pg_replication_lag_seconds",
        "pg_wal_size_bytes",
        "pg_database_size_bytes",
    ],
)
def test_what_on_call_asks_for_is_there(server, name):
    assert re.search(rf"^{name}\b", requests.get(server.url("postgres_exporter"), timeout=30).text, re.MULTILINE)


@pytest.fixture
def login(server):
    """How the exporter logs in."""
    return {
        **postgres.dsn(server.layout, odoo.DATABASE),
        "user": postgres.MONITOR,
        "password": server.layout.secret(postgres.PASSWORDS[postgres.MONITOR]),
    }


def test_who_watches_can_change_nothing(login):
    with closing(psycopg2.connect(**login)) as connection:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            connection.cursor().execute("CREATE TABLE public.mine (id int)")
        connection.rollback()
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            connection.cursor().execute("SELECT pg_read_file('postgresql.conf')")


def test_a_server_that_is_down_is_reported(server):
    server.processes.stop("postgres")
    try:
        assert values(server, "pg_up") == {"": 0}
    finally:
        server.start_postgres()
    until(lambda: values(server, "pg_up") == {"": 1}, "the server is seen again")


def test_compose_makes_the_same_roles(server, login, tmp_path):
    server.execute(f"DROP ROLE {postgres.MONITOR}", role=postgres.ADMIN)
    # a second time with other passwords, as after a change of secrets
    for changed in (True, False):
        passwords = {
            role: 'it\'s "another"' if changed else server.layout.secret(postgres.PASSWORDS[role])
            for role in postgres.ROLES
        }
        run(ROLES, server.layout, tmp_path, **passwords)
        password = passwords[postgres.MONITOR]
        with closing(psycopg2.connect(**{**login, "password": password})) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT rolsuper, pg_has_role('pg_monitor', 'USAGE') FROM pg_roles WHERE rolname = user")
            assert cursor.fetchall() == [(False, True)]


RIGHTS = (
    "SELECT rolname, rolcreatedb FROM pg_roles WHERE rolcanlogin AND NOT rolsuper AND NOT rolcreaterole "
    "AND NOT rolreplication AND NOT rolbypassrls"
)


def test_no_service_is_superuser(server):
    roles = dict(server.execute(RIGHTS, role=postgres.ADMIN))
    assert roles == {postgres.ODOO: True, postgres.N8N: False, postgres.BACKUP: True, postgres.MONITOR: False}
    others = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolsuper"
    assert server.execute(others, role=postgres.ADMIN) == [(postgres.ADMIN,)]


@pytest.mark.parametrize("role", [postgres.N8N, postgres.BACKUP, postgres.MONITOR])
def test_others_do_not_write_to_odoo_s_database(server, role):
    server.execute("CREATE TABLE IF NOT EXISTS private (secret text)")
    with pytest.raises(psycopg2.Error):
        server.execute("INSERT INTO private VALUES ('x')", role=role)
    with pytest.raises(psycopg2.Error):
        server.execute("CREATE TABLE another ()", role=role)
    if role != postgres.BACKUP:
        with pytest.raises(psycopg2.Error):
            server.execute("SELECT * FROM private", role=role)


def test_odoo_does_not_enter_the_database_of_n8n(server):
    if not server.execute("SELECT 1 FROM pg_database WHERE datname = 'n8n'"):
        postgres.create_database(server.layout, "n8n", postgres.N8N)
    server.execute("SELECT 1", database="n8n", role=postgres.N8N)
    with pytest.raises(psycopg2.OperationalError, match="pg_hba.conf rejects"):
        server.execute("SELECT 1", database="n8n")
