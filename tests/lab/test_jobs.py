"""Jobs of queue_job are measured: how they end, what waits, who takes them, and what a cron that runs as one does."""

import os
import re
import signal

import pytest
import yaml

from stack.layout import Layout
from stack.ports import Ports
from stack.scenarios.drill.acceleration import accelerate
from stack.services import prometheus
from tests.storage.servers import start_prometheus
from tests.waiting import until

pytestmark = pytest.mark.system

_TEST, _ATTEMPT = "<queue.job>._test_job", "<res.partner>.lab_attempt"
_ENQUEUE = """
for duration in (0, 0, 1):
    env["queue.job"].with_delay()._test_job(job_duration=duration)
for _failing in range(2):
    env["queue.job"].with_delay()._test_job(failure_rate=1)
env["res.partner"].create({"name": "Lab"}).with_delay().lab_attempt(3)
env["queue.job"].with_delay(eta=86400)._test_job()
env.cr.commit()
"""
_UNDER_WAY = "SELECT count(*) FROM queue_job WHERE state NOT IN ('done', 'failed') AND (eta IS NULL OR eta < now())"
_TIMEOUT_SECONDS = 90
_HISTORY = """
INSERT INTO queue_job (uuid, state, channel, date_created, date_done)
SELECT 'history ' || n, 'done', 'root', now() - n * interval '1 s', now() FROM generate_series(1, 50000) AS n
"""
_EXPLAIN = """
from odoo.addons.odoo_telemetry.models.queue_job import _READ
env.cr.execute("EXPLAIN " + _READ)
print(*(line for (line,) in env.cr.fetchall()), sep="\\n")
"""
_CRONS = """
for name, code in {"Slow job": "time.sleep(1)", "Failing job": "1 / 0"}.items():
    env["ir.cron"].create({
        "name": name, "model_id": env.ref("base.model_res_partner").id, "state": "code", "code": code,
        "interval_number": 1, "interval_type": "days", "nextcall": "2020-01-01", "run_as_queue_job": True,
    })
env.cr.commit()
"""


@pytest.fixture(scope="module")
def ran(lab):
    """What scrapes showed before and after jobs of each kind."""
    before = lab.scrape()
    lab.shell(_ENQUEUE)
    # one that is tried again is due a second later
    until(
        lambda: lab.sql("SELECT count(*) FROM queue_job WHERE state = 'done'")[0][0] == 4,
        "jobs are done",
        _TIMEOUT_SECONDS,
    )
    until(lambda: lab.sql(_UNDER_WAY)[0][0] == 0, "jobs have ended", _TIMEOUT_SECONDS)
    return before, lab.scrape()


@pytest.fixture
def firing(lab, tmp_path):
    """Function that returns the names of firing alerts, in a Prometheus as fast as in a fault drill."""
    alerts = prometheus.FOLDER / "rules" / "odoo_alerts_background.yml"
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(accelerate(yaml.safe_load(alerts.read_text()))))
    scrape = {
        "job_name": "odoo",
        "authorization": {"credentials": lab.token},
        "static_configs": [{"targets": [lab.url.removeprefix("http://")]}],
    }
    pace = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
    changes = {"global": pace, "scrape_configs": [scrape], "alerting": {}, "remote_write": []}
    server = start_prometheus(Layout(tmp_path, Ports.free()), rules, changes)

    def firing():
        alerts = server.get("/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    yield firing
    server.kill()


def grown(ran, name, **labels):
    before, after = ran
    return after.value(name, **labels) - before.value(name, **labels)


@pytest.mark.parametrize(
    ("function", "outcome", "number"),
    [(_TEST, "done", 3), (_TEST, "failed", 2), (_TEST, "retried", 0), (_ATTEMPT, "done", 1), (_ATTEMPT, "retried", 2)],
)
def test_runs_are_counted_by_how_they_ended(ran, function, outcome, number):
    assert grown(ran, "odoo_queue_job_runs_total", channel="root", job_function=function, outcome=outcome) == number


def test_runs_take_their_time(ran):
    assert grown(ran, "odoo_queue_job_duration_seconds_count", job_function=_TEST) == 5
    assert 1 <= grown(ran, "odoo_queue_job_duration_seconds_sum", job_function=_TEST) < 5


def test_a_job_that_is_run_again_is_one_attempt(ran):
    assert grown(ran, "lab_attempts_total") == 1


def test_a_failed_job_is_not_an_unhandled_error_too(ran):
    assert grown(ran, "odoo_application_errors_total") == 0


def test_what_waits_and_who_takes_it_show(lab, ran):
    def shown():
        scrape = lab.scrape()
        return (
            scrape.values("odoo_queue_jobs", "state", channel="root"),
            scrape.value("odoo_queue_job_oldest_pending_age_seconds", channel="root"),
            scrape.value("odoo_queue_job_runners"),
        )

    waiting = {"wait_dependencies": 0, "pending": 1, "enqueued": 0, "started": 0, "failed": 2}
    # the one that is pending is due tomorrow
    until(lambda: shown() == (waiting, 0, 1), "the queue shows", _TIMEOUT_SECONDS)


def test_the_queue_costs_the_same_however_many_jobs_are_done(lab):
    lab.sql(_HISTORY)
    lab.sql("ANALYZE queue_job")
    plan = lab.shell(_EXPLAIN)
    lab.sql("DELETE FROM queue_job WHERE uuid LIKE 'history %'")
    assert "queue_job" in plan and "Seq Scan on queue_job" not in plan


def test_the_jobrunner_is_a_worker_whose_death_is_noticed(lab, firing):
    scrape = lab.scrape()
    assert scrape.values("odoo_workers_recycled_total", "kind")["jobrunner"] == 0
    assert scrape.value("odoo_workers_recycled_total", kind="other") == 0
    assert scrape.value("odoo_workers_configured", kind="jobrunner") == 1
    assert scrape.value("odoo_workers_active", kind="jobrunner") == 1
    master, runner = lab.pid, int(re.findall(r"Worker WorkerJobRunner \((\d+)\) alive", lab.log)[-1])
    os.kill(master, signal.SIGSTOP)
    try:
        os.kill(runner, signal.SIGKILL)
        until(
            lambda: lab.scrape().value("odoo_workers_active", kind="jobrunner") == 0, "it is missing", _TIMEOUT_SECONDS
        )
        until(lambda: lab.scrape().value("odoo_queue_job_runners") == 0, "no runner is connected", _TIMEOUT_SECONDS)
        lab.shell("env['queue.job'].with_delay()._test_job(); env.cr.commit()")
        until(
            lambda: lab.scrape().value("odoo_queue_job_oldest_pending_age_seconds") > 0, "a job waits", _TIMEOUT_SECONDS
        )
        lab.sql("UPDATE queue_job SET date_created = now() - interval '1 h' WHERE state = 'pending' AND eta IS NULL")
        until(lambda: firing() == {"OdooJobRunnerDown", "OdooQueueJobsBehind"}, "alerts are firing", _TIMEOUT_SECONDS)
    finally:
        os.kill(master, signal.SIGCONT)
    until(lambda: lab.scrape().value("odoo_queue_job_runners") == 1, "another one is connected", _TIMEOUT_SECONDS)
    assert lab.scrape().value("odoo_workers_recycled_total", kind="jobrunner") == 1
    until(lambda: firing() == set(), "alerts are resolved", _TIMEOUT_SECONDS)


def test_a_cron_that_runs_as_a_job_is_measured_by_the_job(lab):
    if "queue_job_cron" not in lab.oca:
        pytest.skip(f"there is no queue_job_cron for Odoo {lab.series}")
    lab.shell(_CRONS)
    crons = ("Slow job", "Failing job")
    until(lambda: all(lab.scrape().value("odoo_cron_runs_total", cron=cron) for cron in crons), "crons ran", 150)
    scrape = lab.scrape()
    assert [scrape.value("odoo_cron_runs_total", cron=cron) for cron in crons] == [1, 1]
    assert [scrape.value("odoo_cron_failures_total", cron=cron) for cron in crons] == [0, 1]
    assert scrape.value("odoo_cron_duration_seconds_sum", cron="Slow job") >= 1
    succeeded = "odoo_cron_last_success_timestamp_seconds"
    until(lambda: lab.scrape().of(succeeded, cron="Slow job"), "its success shows", _TIMEOUT_SECONDS)
    assert not lab.scrape().of(succeeded, cron="Failing job")
