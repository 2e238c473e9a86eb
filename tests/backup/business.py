"""A small database with a filestore, as Odoo keeps them, and people who change it all the time."""

import hashlib
import random
import threading
import time
from collections import deque
from contextlib import closing, contextmanager

import psycopg2

ACCOUNTS = 50
SCHEMA = f"""
CREATE TABLE ir_attachment (
    id serial PRIMARY KEY, type varchar DEFAULT 'binary', store_fname varchar, checksum varchar(40));
CREATE TABLE account (id int PRIMARY KEY, balance float NOT NULL);
CREATE TABLE note (at timestamptz DEFAULT now(), text text, more jsonb DEFAULT '{{"b": 1, "a": [2, null]}}');
INSERT INTO account SELECT number, 100.1 FROM generate_series(1, {ACCOUNTS}) number;
INSERT INTO note (text) VALUES ('a line'), (NULL), ('it''s another');
"""


class Business:
    """The database that `dsn` reaches, and its filestore."""

    def __init__(self, dsn, filestore):
        self.dsn = dsn
        self.filestore = filestore
        self._garbage = deque()

    def execute(self, statement, *arguments):
        with closing(psycopg2.connect(**self.dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, arguments)
                return cursor.fetchall() if cursor.description else []

    def attach(self, content=None):
        """Add an attachment in Odoo's order: first the file, then the row. Return the file."""
        content = content or random.randbytes(random.randrange(1, 20_000))
        checksum = hashlib.sha1(content).hexdigest()
        name = f"{checksum[:2]}/{checksum}"
        path = self.filestore / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.execute("INSERT INTO ir_attachment (store_fname, checksum) VALUES (%s, %s)", name, checksum)
        return path

    def detach(self, path):
        """Remove an attachment; its file stays for the garbage collection."""
        self.execute("DELETE FROM ir_attachment WHERE store_fname = %s", str(path.relative_to(self.filestore)))
        self._garbage.append((time.monotonic(), path))

    def collect_garbage(self):
        """Delete the files whose rows are gone for a second; Odoo does so once a day."""
        while self._garbage and self._garbage[0][0] < time.monotonic() - 1:
            self._garbage.popleft()[1].unlink()

    def transfer(self):
        """Move money from one account to another; all of it stays."""
        source, target = random.sample(range(1, ACCOUNTS + 1), 2)
        self.execute(
            "UPDATE account SET balance = balance + CASE id WHEN %s THEN 1 ELSE -1 END WHERE id IN (%s, %s)",
            source,
            source,
            target,
        )

    @contextmanager
    def busy(self):
        """Change everything from several threads while the body runs; yield a function that says how often."""
        stop, done, troubles = threading.Event(), [], []

        def work(action):
            try:
                while not stop.is_set():
                    action()
                    done.append(action)
            except Exception as trouble:
                troubles.append(trouble)

        def come_and_go():
            path = self.attach()
            if random.random() < 0.9:
                self.detach(path)
            self.collect_garbage()

        def note():
            self.execute("INSERT INTO note (text) VALUES (%s)", random.randbytes(20).hex())
            if random.random() < 0.1:
                self.execute("DELETE FROM note")

        threads = [threading.Thread(target=work, args=[action]) for action in (come_and_go, self.transfer, note)]
        for thread in threads:
            thread.start()
        try:
            yield lambda: len(done)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not troubles, troubles
