"""What is read of Odoo's background work beside scheduled actions: the mail queue, and queues that are missing."""

from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.tests import TransactionCase, mute_logger, tagged

from ..models import mail_queue
from .hook_case import value

LENGTH, AGE = "odoo_mail_queue_length", "odoo_mail_queue_oldest_age_seconds"


@tagged("post_install", "-at_install")
class TestBackground(TransactionCase):
    def setUp(self):
        super().setUp()
        if "mail.mail" not in self.env:
            self.skipTest("mail is not installed")
        self.env["mail.mail"].search([]).unlink()

    def gauges(self):
        """Return {(name, label values): value} of what is read in the database."""
        samples = self.env["telemetry.reading"]._gauges()
        return {(sample.gauge.name, *sample.labels.values()): sample.value for sample in samples}

    def mail(self, minutes, **values):
        """Make an e-mail that was made so many minutes ago."""
        mail = self.env["mail.mail"].create({"subject": "Trial", "body_html": "Trial", **values})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_mail SET create_date = %s WHERE id = %s",
            [datetime.utcnow() - timedelta(minutes=minutes), mail.id],
        )
        return mail

    def test_an_empty_queue_shows_as_such(self):
        gauges = self.gauges()
        self.assertEqual([gauges[LENGTH, "outgoing"], gauges[LENGTH, "exception"], gauges[(AGE,)]], [0, 0, 0])

    def test_what_waits_and_what_failed_show(self):
        self.mail(minutes=10)
        self.mail(minutes=50, state="exception")
        self.mail(minutes=90, state="sent")
        gauges = self.gauges()
        self.assertEqual([gauges[LENGTH, "outgoing"], gauges[LENGTH, "exception"]], [1, 1])
        self.assertAlmostEqual(gauges[(AGE,)], 600, delta=30)

    def test_what_is_scheduled_waits_from_then_on(self):
        later = self.mail(minutes=10, scheduled_date=str(datetime.utcnow().replace(microsecond=0) + timedelta(hours=1)))
        gauges = self.gauges()
        self.assertEqual([gauges[LENGTH, "outgoing"], gauges[(AGE,)]], [1, 0])
        later.scheduled_date = str(datetime.utcnow().replace(microsecond=0) - timedelta(minutes=5))
        self.assertAlmostEqual(self.gauges()[(AGE,)], 300, delta=30)

    def test_the_queue_costs_the_same_however_many_are_sent(self):
        self.mail(minutes=10)
        message = self.env["mail.message"].create({"body": "Trial"})
        self.env.cr.execute(
            "INSERT INTO mail_mail (mail_message_id, state) SELECT %s, 'sent' FROM generate_series(1, 20000)",
            [message.id],
        )
        self.env.cr.execute("ANALYZE mail_mail")
        self.env.cr.execute(f"EXPLAIN {mail_queue._READ}")
        plan = "\n".join(line for (line,) in self.env.cr.fetchall())
        self.assertIn("telemetry_mail_queue", plan)
        self.assertNotIn("Seq Scan", plan)

    def test_without_its_index_the_queue_is_not_read(self):
        self.env["telemetry.mail.queue"]._remove()
        self.assertNotIn((AGE,), self.gauges())
        self.env["telemetry.mail.queue"]._make_index()
        self.assertIn((AGE,), self.gauges())

    @mute_logger("odoo.sql_db")
    def test_what_can_not_be_read_leaves_the_rest(self):
        errors = value("odoo_telemetry_errors_total", ("database",))
        with patch.object(mail_queue, "_READ", "SELECT nonsense"):
            gauges = self.gauges()
        self.assertNotIn((AGE,), gauges)
        self.assertIn("odoo_cron_overdue_seconds", {name for name, *_labels in gauges})
        self.assertEqual(value("odoo_telemetry_errors_total", ("database",)), errors + 1)

    def test_without_queue_job_there_is_no_queue(self):
        if "queue.job" in self.env:
            self.skipTest("queue_job is installed")
        self.assertFalse([name for name, *_labels in self.gauges() if name.startswith("odoo_queue_job")])

    def test_nothing_is_left_of_it_when_the_addon_is_removed(self):
        for model in self.env["telemetry.reading"]._background():
            self.env[model]._remove()
        self.env.cr.execute(
            "SELECT relname FROM pg_class WHERE relname IN"
            " ('telemetry_cron', 'telemetry_queue_job', 'telemetry_mail_queue')"
        )
        self.assertFalse(self.env.cr.fetchall())
