"""What telemetry reads from the database, with 10,000,000 images and with 10,000: one reading, and the overview page.

Baseline: the build of commit 7a6684d, on copies of the same two databases. The rows are made (``volume.py``) in a
database with the platform of that build, so that the working tree's addons are installed over two years of business.
Each database is loaded by a process of its own; all take turns, on one PostgreSQL. Printed are medians of the wall time
in ms, as the waiting user sees it, and medians over rounds of the ratio of the large to the small database.

A reading comes before the pages of a round, so that they find it fresh, as all but one page view per 25 s do. Then the
plan of each statement that a reading and a page send is printed for the large database, with the rows that its scans
read, and a mark at those that scan a table of more than ``BIG`` rows from its beginning to its end. Before all that,
the ledger takes in what was there before telemetry; at last it is audited.

``python -m tests.benchmarks.rows IMAGES`` has so many images in the large database instead.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median

import psycopg2

from stack.console import exit_on_error, step
from stack.layout import PROJECT
from stack.provide import odoo_source
from stack.services import postgres
from tests.benchmarks import baseline, volume
from tests.benchmarks.apart import Apart, answer
from tests.benchmarks.odoo_process import load_registry, odoo_process
from tests.benchmarks.rounds import interleaved, ratio
from tests.benchmarks.servers import TELEMETRY, Cluster, Server, cluster

ROUNDS = 9
WARMING = 1
BIG = 100_000

AUDIT = "telemetry.audit"
AUDITED = "ai_image_generation_requests_total"
MOST_TRANSACTION_SECONDS = 1.0

EXPLAIN = """
LOAD 'auto_explain';
SET client_min_messages = log;
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_buffers = on;
SET auto_explain.log_nested_statements = on
"""
"""Has PostgreSQL send the plan of each statement to the session that runs it."""

TREE, BASELINE = "working tree", baseline.COMMIT[:7]
SMALL, LARGE = "small", "large"
READING, WEEK, TODAY_PAGE = "one reading", "overview, week", "overview, today"
MEASUREMENTS = (READING, WEEK, TODAY_PAGE)

MOST_ROWS_RATIO = 1.5
MOST_OVERVIEW_MILLISECONDS = 200

# ---------------------------------------------------------------------- in the Odoo process


class Build:
    """One build, measured in a process that has its database loaded.

    :param registry: Odoo's registry of the database
    """

    def __init__(self, registry):
        self._registry = registry
        # the person who opens the page
        self._administrator = self._in_transaction(lambda env: env.ref("base.user_admin").id)

    def milliseconds(self, measurement: str) -> float:
        """Return how long it takes to do what a measurement is of."""
        begun = time.perf_counter()
        self._do(measurement)
        return (time.perf_counter() - begun) * 1e3

    def plans(self, measurement: str) -> list[tuple[str, int, list[str]]]:
        """Return (statement and plan, rows read, the big tables that it scans) of all statements of a measurement."""
        with self._registry.cursor() as cr:
            cr.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND reltuples > %s", [BIG])
            big = {name for (name,) in cr.fetchall()}
        return [
            (plan, _rows_read(plan), sorted(big & set(re.findall(r"Seq Scan on (\w+)", plan))))
            for plan in _explained(lambda: self._do(measurement))
        ]

    def audit(self, seconds: float) -> dict[str, list]:
        """Go on with the audit for so many seconds; return {fact: [opened, blocks, position, missing, extra, end]}."""
        self._in_transaction(lambda env: env[AUDIT]._run(seconds))
        columns = "fact, opened, blocks, position, missing, extra, extract(epoch FROM completed_at)"
        with self._registry.cursor() as cr:
            cr.execute(f"SELECT {columns} FROM telemetry_audit")
            return {fact: [*state, float(ended or 0)] for fact, *state, ended in cr.fetchall()}

    def _do(self, measurement):
        if measurement == READING:
            self._in_transaction(_read)
        else:
            span = measurement.rpartition(" ")[2]
            self._in_transaction(lambda env: _show(env(user=self._administrator), span))

    def _in_transaction(self, work):
        from odoo.api import SUPERUSER_ID, Environment

        with self._registry.cursor() as cr:
            return work(Environment(cr, SUPERUSER_ID, {}))


def _model(env, name):
    """Return telemetry's model of that name, in either build."""
    return env[f"telemetry.{name}" if f"telemetry.{name}" in env else f"influencegen.telemetry.{name}"]


def _read(env):
    """Read the database once, as a scrape does."""
    reading = _model(env, "reading")
    if hasattr(reading, "_read_facts"):
        reading._read_facts()
    reading._read_database()


def _show(env, span):
    """Read the tiles of the overview page."""
    _model(env, "overview").read_tiles(span)


def _explained(work):
    """Return the text and plan of each statement that ``work()`` has PostgreSQL run, those in functions too."""
    from odoo.sql_db import Cursor

    plans, execute = [], Cursor.execute

    def explaining(cursor, *arguments, **options):
        # at each statement: what is set in a transaction that is rolled back is not set any more
        cursor._obj.execute(EXPLAIN)
        cursor._cnx.notices = []
        result = execute(cursor, *arguments, **options)
        plans.extend(
            notice.partition("Query Text:")[2].strip() for notice in cursor._cnx.notices if "Query Text:" in notice
        )
        return result

    Cursor.execute = explaining
    try:
        work()
    finally:
        Cursor.execute = execute
    return plans


def _rows_read(plan):
    """Return how many rows the scans of a plan in text read, those included that a filter removed."""
    read = 0
    for line in plan.splitlines():
        if found := re.search(r"Scan .*\(actual time=\S+ rows=([\d.]+) loops=(\d+)\)", line):
            rows, loops = float(found[1]), int(found[2])
            # what a bitmap of the index finds is read by the scan above it
            read += 0 if "Bitmap Index Scan" in line else rows * loops
        elif found := re.search(r"Rows Removed by (?:Filter|Index Recheck): (\d+)", line):
            read += int(found[1]) * loops
    return round(read)


def _lift_statement_timeout():
    """Lift the statement timeout of readings: at this size it would cancel those of the baseline."""
    from odoo.modules import get_module_path

    # in the baseline, one addon had everything
    addon = "odoo_telemetry" if get_module_path("odoo_telemetry", display_warning=False) else "influencegen_telemetry"
    import_module(f"odoo.addons.{addon}.models.reading").STATEMENT_TIMEOUT_MILLISECONDS = 0


def serve() -> None:
    """Answer a measurement with its milliseconds, and 'plans of' a measurement with its plans, as JSON."""
    build = Build(load_registry())
    _lift_statement_timeout()

    def respond(line):
        if line.startswith("audit "):
            return json.dumps(build.audit(float(line.removeprefix("audit "))))
        measurement = line.removeprefix("plans of ")
        return json.dumps(build.milliseconds(measurement) if line == measurement else build.plans(measurement))

    answer(respond)


# ---------------------------------------------------------------------- in this process


def prepare(made: Cluster, baseline_checkout: Path, large: volume.Volume) -> dict[tuple[str, str], Server]:
    """Make the databases; return {(build, size): server}, of which none runs."""
    servers = {}
    for size, rows in ((SMALL, volume.SMALL), (LARGE, large)):
        data = f"rows-{size}"
        made.copy(made.platform(baseline_checkout), data)
        with step(f"{rows.images:,} images, and what belongs to them"):
            volume.fill(made.layout, data, rows)
        print(f"  {data}: {volume.size_bytes(made.layout, data) / 2**30:.2f} GiB")
        for build, checkout in ((TREE, PROJECT), (BASELINE, baseline_checkout)):
            name = f"{size}-{'tree' if build == TREE else 'baseline'}"
            servers[build, size] = made.server(name, TELEMETRY, checkout, template=data)
        postgres.execute(made.layout, f'DROP DATABASE "{data}"')
    # what the installation wrote is settled
    for server in servers.values():
        postgres.execute(made.layout, "VACUUM (ANALYZE)", database=server.name)
    return servers


def compare(processes: dict[tuple[str, str], Apart]) -> None:
    """Measure all databases in turns and print what came of it."""

    def turn(process):
        return {measurement: float(process.ask(measurement)) for measurement in MEASUREMENTS}

    turns = {key: lambda one=one: turn(one) for key, one in processes.items()}
    with step(f"{ROUNDS} rounds"):
        interleaved(turns, WARMING)
        rounds = interleaved(turns, ROUNDS)
    print(f"\n{'ms':20} {'build':14} {SMALL:>9} {LARGE:>9}   {LARGE} / {SMALL}")
    taken, ratios = {}, {}
    for measurement in MEASUREMENTS:
        for build in (TREE, BASELINE):
            results = {size: [values[measurement] for values in rounds[build, size]] for size in (SMALL, LARGE)}
            taken[build, measurement] = median(results[LARGE])
            ratios[build, measurement] = ratio(results, LARGE, SMALL)
            print(
                f"  {measurement:18} {build:14} {median(results[SMALL]):9.1f} {taken[build, measurement]:9.1f}"
                f"   {ratios[build, measurement]:.2f}"
            )
    pages = MEASUREMENTS[1:]
    baseline.bar("reading_rows_ratio", ratios[TREE, READING], MOST_ROWS_RATIO)
    baseline.bar("overview_ms", max(taken[TREE, page] for page in pages), MOST_OVERVIEW_MILLISECONDS)
    baseline.bar("overview_rows_ratio", max(ratios[TREE, page] for page in pages), MOST_ROWS_RATIO)


def show_plans(processes: dict[tuple[str, str], Apart]) -> None:
    """Print the plans of the working tree's statements on the large database, and which of all scan a big table."""
    for build in (TREE, BASELINE):
        for measurement in MEASUREMENTS:
            plans = json.loads(processes[build, LARGE].ask(f"plans of {measurement}"))
            read = sum(rows for _plan, rows, _tables in plans)
            scans = sorted({table for *_others, tables in plans for table in tables})
            print(
                f"\n{build}, {measurement}: {len(plans)} statements, {read:,} rows read;"
                f" Seq Scan over more than {BIG:,} rows: {', '.join(scans) or 'none'}"
            )
            for plan, rows, tables in plans if build == TREE else ():
                mark = f"SEQ SCAN OF {', '.join(tables)}, " if tables else ""
                print(f"\n{mark}{rows:,} rows read: {plan}")


@contextmanager
def longest_transaction(server: Server) -> Iterator[Callable[[], float]]:
    """Watch the transactions in the database of ``server`` during the block; yield a function that returns the longest.

    They are looked at from outside, a hundred times a second.
    """
    ended, longest = threading.Event(), 0.0

    def watch():
        nonlocal longest
        with closing(psycopg2.connect(**postgres.dsn(server.layout, "postgres", postgres.MONITOR))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not ended.wait(0.01):
                    cursor.execute(
                        "SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity"
                        " WHERE datname = %s AND backend_type = 'client backend'",
                        [server.name],
                    )
                    longest = max(longest, float(cursor.fetchone()[0] or 0))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: longest
    finally:
        ended.set()
        thread.join()


@contextmanager
def loaded(server: Server) -> Iterator[Apart]:
    """Yield a process that has loaded the database of ``server``, and waits for what it is asked."""
    with odoo_process(server, "tests.benchmarks.rows") as process:
        process.ask("audit 0")
        yield process


def open_ledger(servers: dict[tuple[str, str], Server]) -> None:
    """Have what was there before telemetry taken into the ledger, and print how long that took."""
    for size in (SMALL, LARGE):
        server = servers[TREE, size]
        # Odoo is loaded before anything is watched
        with loaded(server) as process, longest_transaction(server) as longest:
            begun, states = time.monotonic(), {}
            while not states or not all(opened for opened, *_state in states.values()):
                states = json.loads(process.ask("audit 10"))
            print(
                f"  ledger of the {size} database open after {time.monotonic() - begun:.1f} s,"
                f" longest transaction {longest():.2f} s"
            )


def measure_audit(server: Server) -> None:
    """Audit the large database: to the end, killed in the middle, and with one row missing and one too many."""

    def position(states):
        return states[AUDITED][2]

    def execute(statement):
        return postgres.execute(server.layout, statement, database=server.name)

    execute("UPDATE telemetry_audit SET position = 0")
    with loaded(server) as process, longest_transaction(server) as longest:
        begun = time.monotonic()
        process.ask("audit 600")
        taken = time.monotonic() - begun
    print(f"\na pass of the audit over all facts: {taken:.1f} s, longest transaction {longest():.2f} s")
    # a whole row is lost, and another is there that no trigger saw
    execute("""
        ALTER TABLE influencegen_image DISABLE TRIGGER USER;
        DELETE FROM influencegen_image WHERE id = (SELECT min(id) + 1000 FROM influencegen_image);
        INSERT INTO influencegen_image (uuid, user_id, company_id, model_id, prompt, state, requested_at)
        SELECT gen_random_uuid(), user_id, company_id, model_id, prompt, 'requested', requested_at
        FROM influencegen_image ORDER BY id DESC LIMIT 1;
        ALTER TABLE influencegen_image ENABLE TRIGGER USER
    """)
    # the next pass begins with this fact
    execute(f"UPDATE telemetry_audit SET position = 0, completed_at = '2020-01-01' WHERE fact = '{AUDITED}'")
    with loaded(server) as process:
        before = position(json.loads(process.ask("audit 1")))
    with loaded(server) as process:
        process.say("audit 600")
        time.sleep(1)
        process.kill()
    [(after,)] = execute(f"SELECT position FROM telemetry_audit WHERE fact = '{AUDITED}'")
    with loaded(server) as process:
        states = json.loads(process.ask("audit 600"))
    _opened, blocks, _position, missing, extra, _ended = states[AUDITED]
    print(f"blocks left of {blocks}: {before} after a run, {after} after a run that was killed")
    print(f"found then: {missing} missing, {extra} extra (1 and 1 were made)")
    baseline.bar("audit_transaction_seconds", longest(), MOST_TRANSACTION_SECONDS)
    baseline.bar("audit_wrong_findings", abs(missing - 1) + abs(extra - 1), 0)
    baseline.bar("audit_blocks_after_kill", after / max(before, 1), 1)


def main() -> None:
    images = int(sys.argv[1]) if sys.argv[1:] else volume.LARGE.images
    with exit_on_error(), baseline.checkout() as baseline_checkout, cluster(odoo_source.choose()) as made:
        servers = prepare(made, baseline_checkout, volume.Volume(images))
        open_ledger(servers)
        with ExitStack() as stack:
            processes = {
                key: stack.enter_context(odoo_process(server, "tests.benchmarks.rows"))
                for key, server in servers.items()
            }
            compare(processes)
            # auto_explain is a superuser's
            postgres.execute(made.layout, f"ALTER ROLE {postgres.ODOO} SUPERUSER", role=postgres.ADMIN)
            show_plans(processes)
        measure_audit(servers[TREE, LARGE])


if __name__ == "__main__":
    serve() if sys.argv[1:2] == ["serve"] else main()
