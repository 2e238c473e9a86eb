"""The counter of slow statements is exact: PostgreSQL and the exporter run, on statements of known duration."""

import json
import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psycopg2
import pytest
import requests

from exporters.slow_queries import SlowQueries
from stack.services import odoo, postgres, prometheus
from tests.exporters.slow_statements import ELSEWHERE, QUICK, SLOW, THRESHOLD_MS, Difference
from tests.waiting import until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
FAILS = f"SELECT 1 / (random() * 0)::int FROM pg_sleep({SLOW})"


@pytest.fixture
def since(server):
    """Function that gives what was counted since the test began, by database."""
    return Difference(server)


def test_a_thousand_statements_of_known_duration(server, since, tmp_path):
    durations = [SLOW] * 200 + [QUICK] * 200
    random.shuffle(durations)
    done = threading.Event()

    def scrape():
        while not done.wait(0.05):
            server.counted()

    scraper = threading.Thread(target=scrape)
    scraper.start()
    try:
        server.sleep(*durations)
        # two slow ones among 6, with 10 clients that do it 5 times, by each kind of the extended protocol
        script = f"\\set duration {SLOW}\nSELECT pg_sleep(:duration);\nSELECT pg_sleep(:duration + 0.0);\n"
        script += f"\\set duration {QUICK}\n" + "SELECT pg_sleep(:duration);\n" * 4
        for protocol in ("extended", "prepared"):
            server.bench(tmp_path, script, protocol, clients=10, transactions=5)
    finally:
        done.set()
        scraper.join()
    assert since() == {odoo.DATABASE: 200 + 100 + 100}


def test_each_database_that_is_asked_for_has_a_counter_and_others_share_one(server, since):
    assert server.counted().keys() == {"influencegen", "n8n", "other"}
    server.sleep(SLOW, SLOW, database=ELSEWHERE)
    server.sleep(SLOW)
    assert since() == {odoo.DATABASE: 1, "other": 2}


@pytest.mark.parametrize(
    "text",
    [
        f"SELECT pg_sleep({SLOW / 2}); SELECT pg_sleep({SLOW / 2})",
        f"DO $$BEGIN PERFORM pg_sleep({SLOW}); END$$",
        f"PREPARE once AS SELECT pg_sleep($1); EXECUTE once({SLOW})",
    ],
    ids=["one message with several", "a block", "one prepared in SQL"],
)
def test_what_a_client_sends_at_once_counts_once(server, since, text):
    server.execute(text)
    assert since() == {odoo.DATABASE: 1}


@pytest.mark.parametrize("text", [FAILS, f"SET statement_timeout = '{int(SLOW * 1000)}ms'; SELECT pg_sleep(9)"])
def test_a_statement_that_ends_in_an_error_is_not_counted(server, since, text):
    with pytest.raises(psycopg2.Error):
        server.execute(text)
    server.sleep(SLOW)
    assert since() == {odoo.DATABASE: 1}


def test_a_statement_that_is_logged_anyway_counts_once(server, since):
    server.change("log_statement", "all")
    try:
        server.sleep(SLOW, QUICK, SLOW)
    finally:
        server.change("log_statement", "none")
    assert since() == {odoo.DATABASE: 2}


@pytest.mark.parametrize(
    "settings",
    [
        {"log_transaction_sample_rate": "1"},
        {"log_min_duration_sample": "0", "log_statement_sample_rate": "1"},
        {"log_duration": "on"},
    ],
    ids=["transactions", "statements", "all durations"],
)
def test_quick_statements_that_are_sampled_do_not_count(server, since, settings):
    for setting, value in settings.items():
        server.change(setting, value)
    try:
        server.sleep(SLOW, QUICK, QUICK, SLOW)
        assert since() == {odoo.DATABASE: 2}
        server.flush()
        assert any(f"pg_sleep({QUICK})" in path.read_text() for path in server.logs.glob("*.json")) or (
            "log_duration" in settings
        )
    finally:
        for setting in settings:
            server.execute(f"ALTER SYSTEM RESET {setting}", role=postgres.ADMIN)
        server.execute("SELECT pg_reload_conf()", role=postgres.ADMIN)


def test_the_threshold_is_postgresqls_own(server, since):
    server.change("log_min_duration_statement", 10 * 1000)
    try:
        server.sleep(SLOW, SLOW)
    finally:
        server.change("log_min_duration_statement", THRESHOLD_MS)
    assert since() == {}


def test_the_log_goes_on_in_another_file(server, since):
    server.sleep(SLOW)
    server.change("log_filename", "other-%H.log")
    try:
        until(lambda: any(path.name.startswith("other-") for path in server.logs.glob("*.json")), "a new file")
        server.sleep(SLOW, SLOW)
        assert since() == {odoo.DATABASE: 3}
    finally:
        server.change("log_filename", "postgresql-%H.log")
    # back in a file of which a part is known
    server.sleep(SLOW)
    assert since() == {odoo.DATABASE: 4}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_exporter_is_away_for_a_while(server, since, end):
    server.sleep(SLOW)
    assert since() == {odoo.DATABASE: 1}
    server.sleep(SLOW)
    if end == "stop":
        server.processes.stop("slow_queries")
        server.sleep(SLOW, SLOW)
        server.start_exporter()
    else:
        server.kill_exporter()
        server.sleep(SLOW, SLOW)
        until(lambda: answers(server), "the exporter answers")
    assert since() == {odoo.DATABASE: 4}


def test_postgresql_is_restarted(server, since):
    server.sleep(SLOW)
    server.processes.stop("postgres")
    until(lambda: since.now() == {odoo.DATABASE: 1}, "what was done before is counted")
    server.start_postgres()
    server.sleep(SLOW, SLOW)
    assert since() == {odoo.DATABASE: 3}


def test_killed_at_any_moment_it_counts_each_once(server, since):
    killing = threading.Thread(target=lambda: [kill(server) for _ in range(5)])
    killing.start()
    server.sleep(*[SLOW] * 60, clients=10)
    killing.join()
    until(lambda: answers(server), "the exporter answers")
    assert since() == {odoo.DATABASE: 60}


def kill(server):
    until(lambda: answers(server), "the exporter answers")
    server.kill_exporter()


def answers(server):
    try:
        return server.counted()
    except requests.RequestException:
        return None


def test_values_that_are_bound_are_not_in_the_log(server, tmp_path):
    script = f"\\set personal 123454321\nSELECT :personal, pg_sleep({SLOW});\n"
    server.bench(tmp_path, script, "extended", clients=1, transactions=1)
    server.flush()
    text = "".join(path.read_text() for path in server.logs.glob("*.json"))
    assert "SELECT $1, pg_sleep" in text
    assert "123454321" not in text


def test_what_it_serves_is_what_prometheus_expects(server):
    text = requests.get(server.url("slow_queries"), timeout=10).content
    command = [prometheus.executable("promtool"), "check", "metrics"]
    checked = subprocess.run(command, input=text, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


# --- files: what can't be had from PostgreSQL within a test ---


def line(number, message=f"duration: 251.000 ms  statement: SELECT pg_sleep({SLOW})", database=odoo.DATABASE):
    """A line of the log; its number makes it unlike all others."""
    return json.dumps({"line_num": number, "dbname": database, "message": message}) + "\n"


@pytest.fixture
def logs(tmp_path):
    """The folder of a log."""
    folder = tmp_path / "log"
    folder.mkdir()
    return folder


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state.json"


def counted(collector):
    """The slow statements of Odoo's database, and the unreadable lines."""
    statements, unreadable, *_ = collector.collect()
    [own] = [sample.value for sample in statements.samples if sample.labels["database"] == odoo.DATABASE]
    return own, unreadable.samples[0].value


@pytest.fixture
def collector(logs, state):
    return SlowQueries(logs, state, [odoo.DATABASE], THRESHOLD_MS / 1000)


def translated(collector):
    """The lines in another language."""
    [value] = [
        sample.value
        for metric in collector.collect()
        for sample in metric.samples
        if sample.name == "postgresql_slow_queries_translated_lines_total"
    ]
    return value


def test_a_line_that_is_half_written_counts_when_it_is_whole(logs, collector):
    with open(logs / "a.json", "w") as log:
        for text in (line(1), line(2)):
            half = len(text) // 2
            before = counted(collector)
            log.write(text[:half])
            log.flush()
            assert counted(collector) == before
            log.write(text[half:])
            log.flush()
            assert counted(collector) == (before[0] + 1, 0)


def test_a_file_that_is_written_again_is_read_from_its_beginning(logs, collector):
    path = logs / "a.json"
    path.write_text(line(1) + line(2))
    assert counted(collector) == (2, 0)
    # longer than before, so that its length shows nothing
    path.write_text("".join(line(number) for number in range(10, 15)))
    assert counted(collector) == (7, 0)


def test_what_was_counted_outlives_the_exporter_and_the_file(logs, state, collector):
    (logs / "a.json").write_text(line(1) + line(2))
    (logs / "b.json").write_text(line(3))
    assert counted(collector) == (3, 0)
    (logs / "a.json").write_text(line(4))
    assert counted(SlowQueries(logs, state, [odoo.DATABASE], THRESHOLD_MS / 1000)) == (4, 0)


def test_a_file_that_is_renamed_is_not_read_again(logs, collector):
    (logs / "a.json").write_text(line(1))
    assert counted(collector) == (1, 0)
    (logs / "a.json").rename(logs / "a.old.json")
    (logs / "a.json").write_text(line(2))
    with open(logs / "a.old.json", "a") as log:
        log.write(line(3))
    assert counted(collector) == (3, 0)


def test_what_is_known_of_files_does_not_grow_with_time(logs, state, collector):
    for number in range(100):
        (logs / f"{number % 3}.json").write_text(line(number))
        assert counted(collector) == (number + 1, 0)
    assert len(json.loads(state.read_text())["offsets"]) == 3


@pytest.mark.parametrize(
    "message",
    [
        "Dauer: 300.000 ms  Anweisung: SELECT 1",
        "durée : 300.000 ms, instruction : SELECT 1",
        "duración: 300.000 ms  execute <unnamed>: SELECT 1",
        "продолжительность: 300.000 мс, оператор: SELECT 1",
        "実行時間: 300.000 ミリ秒  文: SELECT 1",
        "执行时间: 300.000 ms 语句: SELECT 1",
        "Dauer: 300.000 ms",
    ],
)
def test_a_line_in_another_language_is_counted_as_such(logs, state, collector, message):
    (logs / "a.json").write_text(line(1, message) + line(2))
    assert counted(collector) == (1, 0)
    assert translated(collector) == 1
    # also after a restart
    assert translated(SlowQueries(logs, state, [odoo.DATABASE], THRESHOLD_MS / 1000)) == 1


@pytest.mark.parametrize(
    "message",
    [
        "checkpoint complete: wrote 3 buffers (0.0%); write=0.001 s, sync=0.002 s, total=0.004 s",
        "disconnection: session time: 0:00:01.234 user=odoo database=influencegen",
        "process 5 still waiting for ShareLock on transaction 7 after 1000.123 ms",
        'automatic vacuum of table "influencegen.public.mail_message": index scans: 0',
        "duration: 300.000 ms plan:\nQuery",
        "connection ready: setup total=1.234 ms, fork=0.567 ms, authentication=0.123 ms",
    ],
)
def test_other_lines_are_in_no_other_language(logs, collector, message):
    (logs / "a.json").write_text(line(1, message))
    assert translated(collector) == 0


def test_what_a_function_raises_is_in_no_other_language(logs, collector):
    record = {**json.loads(line(1, "took: 300.000 ms")), "context": "PL/pgSQL function f() line 3 at RAISE"}
    (logs / "a.json").write_text(json.dumps(record) + "\n")
    assert translated(collector) == 0


@pytest.mark.parametrize(("milliseconds", "slow"), [("249.999", 0), ("250.000", 1)])
def test_the_duration_decides(logs, collector, milliseconds, slow):
    (logs / "a.json").write_text(line(1, f"duration: {milliseconds} ms  statement: SELECT 1"))
    assert counted(collector) == (slow, 0)


def test_a_state_of_an_earlier_version_goes_on(logs, state):
    (logs / "a.json").write_text(line(1))
    state.write_text(json.dumps({"offsets": {}, "statements": {odoo.DATABASE: 5}, "unreadable": 2}))
    collector = SlowQueries(logs, state, [odoo.DATABASE], THRESHOLD_MS / 1000)
    assert (counted(collector), translated(collector)) == ((6, 2), 0)


@pytest.mark.parametrize(
    "message",
    [
        "duration: 300.000 ms  parse <unnamed>: SELECT $1",
        "duration: 300.000 ms  bind <unnamed>: SELECT $1",
        "statement: SELECT 'duration: 300.000 ms  statement: '",
        "connection received",
        "duration: 300.000 ms plan:\nQuery",
    ],
)
def test_other_lines_do_not_count(logs, collector, message):
    (logs / "a.json").write_text(line(1, message) + line(2))
    assert counted(collector) == (1, 0)


def test_a_line_that_can_not_be_read_is_counted_as_such(logs, collector):
    (logs / "a.json").write_bytes(line(1)[:20].encode() + line(2).encode() + b"\xff\n[]\n" + line(3).encode())
    assert counted(collector) == (1, 3)


def test_a_state_that_can_not_be_stored_loses_and_doubles_nothing(logs, state, collector):
    (logs / "a.json").write_text(line(1))
    state.mkdir()
    for _ in range(2):
        with pytest.raises(OSError):
            counted(collector)
    state.rmdir()
    assert counted(collector) == (1, 0)
    assert counted(SlowQueries(logs, state, [odoo.DATABASE], THRESHOLD_MS / 1000)) == (1, 0)


def run(*options):
    """Start the exporter with options that it refuses; return the process, which has ended."""
    command = [sys.executable, "-m", "exporters.slow_queries", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_a_damaged_state_is_refused_with_its_remedy(logs, state):
    state.write_text('{"offsets": ')
    ended = run("--logs", logs, "--state", state)
    assert ended.returncode == 1
    assert f"{state} is damaged" in ended.stderr and "delete it" in ended.stderr


def test_a_folder_that_is_not_there_is_named(state):
    ended = run("--logs", state / "absent", "--state", state)
    assert ended.returncode == 1
    assert str(state / "absent") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_log_that_vanishes_fails_the_scrape(logs, collector):
    (logs / "a.json").write_text(line(1))
    assert counted(collector) == (1, 0)
    shutil.rmtree(logs)
    with pytest.raises(FileNotFoundError):
        counted(collector)


def test_a_log_of_another_format_is_refused_with_its_remedy(logs, state):
    (logs / "postgresql-10.csv").write_text("2026-11-28 10:00:00.000 UTC,,,,\n")
    (logs / "postgresql-10.log").write_text("LOG:  duration: 300.000 ms  statement: SELECT 1\n")
    ended = run("--logs", logs, "--state", state)
    assert ended.returncode == 1
    assert f"{logs} holds no JSON log" in ended.stderr and "jsonlog" in ended.stderr


def test_the_documentation_names_the_settings_that_are_in_use():
    text = (ROOT / "docs" / "exporters.md").read_text()
    [named] = re.findall(r"```ini\n(logging_collector.*?)```", text, re.DOTALL)
    assert set(named.splitlines()) <= set(postgres.SETTINGS.splitlines())
