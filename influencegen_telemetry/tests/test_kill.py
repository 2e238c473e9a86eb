import os
import signal
import sys
import uuid

from odoo import SUPERUSER_ID, api, sql_db
from odoo.sql_db import db_connect

from odoo.addons.odoo_telemetry.facts.rollup import ENTRY

from .common import BusinessCase

SUCCESS = "influencer_registration_success_total"
POINTS = 50


class TestKill(BusinessCase):
    """A process that is killed anywhere between its first write and its answer: what is committed is counted."""

    def register(self, email):
        with db_connect(self.database).cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["influencegen.influencer"]._sign_up(
                {"name": "Ada", "email": email, "birthdate": "1990-01-01", "consent": True}, "portal"
            )

    def in_a_process(self, email, die_at=None, from_commit=False):
        """Register in a process of its own, which kills itself at a call, and return how many calls it made.

        :param die_at: the number of that call; None to run to the end
        :param from_commit: count calls from COMMIT on, not from the beginning
        """
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            # the connections are the parent's
            sql_db._Pool = sql_db._Pool_readonly = None
            calls, counts = 0, not from_commit

            def count(_frame, event, function):
                nonlocal calls, counts
                counts = counts or (event == "c_call" and function.__name__ == "commit")
                calls += counts and event in ("call", "c_call")
                if calls == die_at:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.setprofile(count)
            try:
                self.register(email)
            finally:
                sys.setprofile(None)
                os.write(writing, str(calls).encode())
                os.kill(os.getpid(), signal.SIGKILL)
        os.close(writing)
        os.waitpid(pid, 0)
        calls = os.read(reading, 20)
        os.close(reading)
        return int(calls or 0)

    def rows(self, emails):
        with self.environment() as env:
            return len(self.delete_later(env["influencegen.influencer"].search([("email", "in", emails)])))

    def test_kill_9_at_every_point(self):
        emails = [f"{uuid.uuid4()}@example.com" for _ in range(POINTS + 1)]
        before = self.fact(SUCCESS)
        calls = self.in_a_process(emails[0])
        self.assertEqual((self.rows(emails), self.fact(SUCCESS) - before), (1, 1))
        half = POINTS // 2
        points = [(1 + number * calls // half, False) for number in range(half)]
        points += [(1 + number, True) for number in range(half)]
        wrong = []
        for email, point in zip(emails[1:], points, strict=True):
            self.in_a_process(email, *point)
            # a killed client's transaction ends when PostgreSQL notices
            with self.cursor() as cr:
                cr.execute(f"LOCK TABLE influencegen_influencer, {ENTRY} IN SHARE MODE")
            rows, counted = self.rows(emails), self.fact(SUCCESS) - before
            if rows != counted:
                wrong.append((point, rows, counted))
        self.assertEqual(wrong, [])
        self.assertTrue(1 < self.rows(emails) < POINTS, "some of the points are after the commit, others before it")
