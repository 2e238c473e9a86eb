"""Databases are restored, renamed, dropped, made again and copied while scrapes run: no counter falls or jumps."""

import threading
import time
from contextlib import contextmanager

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import until

from .databases import ALL, FIRST, SECOND, THIRD, admit, open_to_the_token, register
from .pressure import SUCCESS
from .servers import serving

WORKERS = pytest.mark.parametrize("workers", [0, 2], ids=["threads", "workers"])


class Watch:
    """Scrapes of a server, one after the other in a thread, judged as Prometheus would.

    increases: {(sample name, labels): growth of a counter}; a fall is a reset, after which all that is there is growth.
    """

    def __init__(self, server, token=None):
        self._server, self._token = server, token
        self._last, self._stopped = {}, threading.Event()
        self.increases, self.faults, self.scrapes = {}, [], 0

    def run(self):
        """Scrape until the watch ends, with a pause after each scrape that is as long as the scrape."""
        began = time.monotonic()
        self.scrape()
        while not self._stopped.wait(time.monotonic() - began):
            began = time.monotonic()
            self.scrape()

    def scrape(self):
        """Scrape once; a status other than 200 is a fault, unless no database is there to be scraped."""
        try:
            response = self._server.metrics(self._token)
        except requests.ConnectionError:
            return
        if response.status_code == 401 and not self._last:
            return
        if response.status_code != 200:
            self.faults.append(f"{response.status_code} {response.text[:200]}")
            return
        self.scrapes += 1
        seen = set()
        for family in text_string_to_metric_families(response.text):
            for sample in family.samples:
                series = sample.name, tuple(sorted(sample.labels.items()))
                if series in seen:
                    self.faults.append(f"twice in a scrape: {series}")
                seen.add(series)
                if family.type in ("counter", "histogram"):
                    self._judge(series, sample.value)

    def _judge(self, series, value):
        last = self._last.get(series, value)
        if value < last:
            self.faults.append(f"{series} fell from {last} to {value}")
        self.increases[series] = self.increases.get(series, 0) + (value - last if value >= last else value)
        self._last[series] = value

    def stop(self):
        """Have :meth:`run` end after its scrape."""
        self._stopped.set()

    def shown(self):
        """Return the set of the databases whose registrations were ever shown."""
        return {dict(labels)["database"] for name, labels in list(self._last) if name == SUCCESS}

    def grown(self, database, name=SUCCESS):
        """Return by how much the counter ``name`` of ``database`` has grown."""
        return self.increases.get((name, (("database", database),)), 0)


@contextmanager
def watching(server):
    """Scrape during the block; yield the :class:`Watch`."""
    watch = Watch(server)
    watch.scrape()
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()
        watch.scrape()


@WORKERS
def test_a_database_restored_to_an_older_state(system, databases, workers):
    with serving(system, [FIRST, SECOND], workers) as server, watching(server) as watch:
        register(server, SECOND, 2)
        databases.make("trial_backup", SECOND)
        register(server, SECOND, 3)
        until(lambda: watch.grown(SECOND) == 5, "the scrapes show five")
        databases.make(SECOND, "trial_backup")
        scrapes = watch.scrapes
        until(lambda: watch.scrapes > scrapes + 3, "the restored database is scraped")
        register(server, SECOND, 4)
        until(lambda: watch.grown(SECOND) == 9, "the scrapes show what came after")
    assert watch.faults == []
    assert (watch.grown(FIRST), watch.grown(SECOND)) == (0, 9)


@WORKERS
def test_a_database_dropped_and_made_again(system, databases, workers):
    with serving(system, [FIRST, SECOND], workers) as server, watching(server) as watch:
        register(server, SECOND, 3)
        until(lambda: watch.grown(SECOND) == 3, "the scrapes show three")
        databases.drop(SECOND)
        scrapes = watch.scrapes
        register(server, FIRST, 1)
        until(lambda: watch.scrapes > scrapes + 3, "scrapes go on without it")
        databases.make(SECOND)
        admit(server, SECOND)
        scrapes = watch.scrapes
        until(lambda: watch.scrapes > scrapes + 3, "scrapes go on with it")
        register(server, SECOND, 2)
        until(lambda: watch.grown(SECOND) == 5, "the scrapes show it again")
    assert watch.faults == []
    assert (watch.grown(FIRST), watch.grown(SECOND)) == (1, 5)


@WORKERS
def test_a_database_renamed(system, databases, workers):
    """The series of the other database have the same labels before and after."""
    with serving(system, [FIRST, SECOND], workers, **ALL) as server, watching(server) as watch:
        register(server, FIRST, 1)
        register(server, SECOND, 2)
        until(lambda: watch.grown(SECOND) == 2, "the scrapes show two")
        databases.rename(SECOND, THIRD)
        register(server, THIRD, 1)
        register(server, FIRST, 1)
        until(lambda: watch.grown(FIRST) == 2, "the scrapes show the other one")
        register(server, THIRD, 3)
        until(lambda: watch.grown(THIRD) >= 3, "the scrapes show it under its new name")
    assert watch.faults == []
    # the first scrape under the new name may come before or after the first registration
    assert (watch.grown(FIRST), watch.grown(SECOND)) == (2, 2)
    assert watch.grown(THIRD) in (3, 4)


@WORKERS
def test_a_database_copied(system, databases, workers):
    with serving(system, [FIRST, SECOND], workers, **ALL) as server, watching(server) as watch:
        register(server, FIRST, 2)
        databases.make(THIRD, FIRST)
        register(server, FIRST, 2)
        register(server, THIRD, 1)
        until(lambda: watch.grown(FIRST) == 4, "the scrapes show the original")
        assert watch.shown() == {FIRST, SECOND}
        admit(server, THIRD)
        register(server, THIRD, 1)
        until(lambda: watch.shown() == {FIRST, SECOND, THIRD}, "the scrapes show the copy, whose token it is now")
    assert watch.faults == []
    assert (watch.grown(FIRST), watch.grown(SECOND)) == (4, 0)
    assert watch.grown(THIRD) in (0, 1)


@WORKERS
def test_three_databases_in_each_worker(system, databases, workers):
    databases.make(THIRD)
    open_to_the_token(system.layout, THIRD)
    three = (FIRST, SECOND, THIRD)
    with serving(system, three, workers) as server, watching(server) as watch:
        for number, database in enumerate(three, start=1):
            register(server, database, number)
        until(lambda: [watch.grown(database) for database in three] == [1, 2, 3], "the scrapes show all")
        for database in three:
            register(server, database, 1)
        until(lambda: [watch.grown(database) for database in three] == [2, 3, 4], "the scrapes show all again")
    assert watch.faults == []


def test_two_servers_on_one_database(system, databases):
    """Each shows all facts of the database, at once, and what it did itself."""
    with (
        serving(system, [FIRST], 0) as one, serving(system, [FIRST], 2) as two,
        watching(one) as first, watching(two) as second,
    ):  # fmt: skip
        for server in (one, two, one, two):
            register(server, FIRST, 2)
        for watch in (first, second):
            until(lambda watch=watch: watch.grown(FIRST) == 8, "the scrapes of each show all")
    assert first.faults + second.faults == []


@WORKERS
def test_one_token_for_the_whole_server(system, databases, workers, tmp_path):
    """It opens a copy too, which the databases' own token does not, and is replaced without a restart."""
    path = tmp_path / "token"
    path.write_text("of the server")
    with serving(system, [FIRST, SECOND], workers, odoo_telemetry_token_file=str(path), **ALL) as server:
        register(server, FIRST, 2)
        databases.make(THIRD, FIRST)
        register(server, THIRD, 1)
        for token, opened in {"of the server": {FIRST, SECOND, THIRD}, None: {FIRST, SECOND}}.items():
            watch = Watch(server, token)

            def all_are_shown(watch=watch, opened=opened):
                watch.scrape()
                return watch.shown() == opened

            until(all_are_shown, f"a scrape shows {opened}")
            assert watch.faults == []
        path.write_text("another one")
        assert {server.metrics("of the server").status_code for _ in range(12)} == {401}
        assert {server.metrics("another one").status_code for _ in range(12)} == {200}
