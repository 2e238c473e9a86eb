"""postgres_exporter, the slow statements and the runbooks' queries on each supported PostgreSQL.

What rules, dashboards and runbooks ask of the exporter is there on each version, or SINCE and UNTIL say on which. The
machine's own server is one of them; 17 and 18 come from npm.
"""

import json
import re
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
import requests
import yaml

from stack.provide import npm
from stack.services import odoo, postgres
from tests.exporters.served import served
from tests.exporters.slow_statements import SLOW, Server
from tests.waiting import until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
VERSIONS = Path(__file__).parent / "postgres_versions"
# Major versions between which a series moved: those who ask for one ask for the other, too.
UNTIL = {"pg_stat_bgwriter_checkpoints_req_total": 16}
SINCE = {"pg_stat_checkpointer_num_requested_total": 17}


def programs(version):
    """The folder of the programs of a major version, from npm."""
    package = npm.installed(VERSIONS, "PostgreSQL 17 and 18") / f"postgres-{version}"
    # npm's packages hold no links: a list beside the libraries has them
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        with suppress(FileExistsError):
            (package / link["target"]).symlink_to(Path(link["source"]).name)
    return package / "native" / "bin"


@pytest.fixture(scope="module", params=[None, 17, 18], ids=["of the machine", "17", "18"])
def server(request, tmp_path_factory):
    """A running server of each version with its exporters, and its version."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            found = programs(request.param)
            patch.setattr(postgres, "provide", lambda: found)
        server = Server(tmp_path_factory.mktemp("server"))
        try:
            server.start()
            [(number,)] = server.execute("SELECT current_setting('server_version_num')::int / 10000")
            assert request.param in (None, number)
            yield server, number
        finally:
            server.stop()


def asked():
    """The series of the exporter that rules, dashboards and runbooks ask for."""
    texts = [
        rule["expr"]
        for path in (ROOT / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    for path in (ROOT / "grafana_dashboards").glob("[oi]*/**/*.json"):
        texts += re.findall(r'"expr": (".*")', path.read_text())
    found = set(re.findall(r"\bpg_[a-z_]+", "\n".join(texts)))
    for path in (ROOT / "docs" / "runbooks").rglob("*.md"):
        # there is SQL, too: a series has a selector behind it
        found |= set(re.findall(r"\bpg_[a-z_]+(?=[\[{])", path.read_text()))
    return found


def test_every_series_that_is_asked_for_is_there(server):
    server, version = server
    wanted = {name for name in asked() if SINCE.get(name, 0) <= version <= UNTIL.get(name, version)}
    assert len(wanted) > 10
    text = requests.get(server.url("postgres_exporter"), timeout=30).text
    # by name alone: prometheus_client's parser adds _total to counters that lack it
    assert wanted <= set(re.findall(r"^(\w+)[ {]", text, re.MULTILINE))


def test_slow_statements_are_counted(server):
    server, version = server
    before = slow(server)
    server.sleep(SLOW, SLOW, 0.01)
    until(lambda: slow(server) - before == 2, "two slow statements")


def slow(server):
    """How many statements of Odoo's database have been slow."""
    return next(
        sample.value
        for sample in served(server.url("slow_queries"))
        if sample.name == "postgresql_slow_queries_total" and sample.labels["database"] == odoo.DATABASE
    )


RUNBOOKS = re.findall(
    r'psql --dbname postgres (?:--tuples-only )?(?:--no-align )?--command "((?:[^"\\]|\\.)+)"',
    "".join(path.read_text() for path in sorted((ROOT / "docs" / "runbooks").rglob("*.md"))),
)


def test_the_queries_of_runbooks_are_understood(server):
    server, version = server
    assert len(RUNBOOKS) > 5
    wrong = {}
    for query in RUNBOOKS:
        try:
            server.execute(query.replace('\\"', '"'), database="postgres", role=postgres.ADMIN)
        except psycopg2.Error as error:
            wrong[query] = str(error)
    assert not wrong, version
