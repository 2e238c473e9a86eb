"""Who is notified of an alert, on which channel, with which text, and when not."""

import pytest

from tests.waiting import until

pytestmark = pytest.mark.servers

ON_CALL, TEAM = ("pager", "chat"), ("chat", "mail")
DISK = {
    "alertname": "DiskSpaceCritical",
    "severity": "critical",
    "team": "platform",
    "host": "db-1",
    "mount_point": "/",
}


@pytest.mark.parametrize(
    "labels, channels, whom",
    [
        (DISK, ON_CALL, {"pager": "platform", "chat": "#platform"}),
        (
            {"alertname": "N8nDown", "severity": "critical", "team": "integration"},
            ON_CALL,
            {"pager": "integration", "chat": "#integration"},
        ),
        (
            {"alertname": "PostgresDeadlocks", "severity": "warning", "team": "platform"},
            TEAM,
            {"chat": "#platform", "mail": "platform@influencegen.example"},
        ),
        (
            {"alertname": "CallbackSlow", "severity": "warning", "team": "integration"},
            TEAM,
            {"chat": "#integration", "mail": "integration@influencegen.example"},
        ),
        (
            {"alertname": "OfNobody", "severity": "info"},
            TEAM,
            {"chat": "#platform", "mail": "platform@influencegen.example"},
        ),
    ],
)
def test_severity_chooses_the_channel_and_team_the_people(oncall, labels, channels, whom):
    oncall.raise_alerts(labels)
    notified = oncall.wait_for(labels["alertname"], channels)
    assert {channel: alert["to"] for channel, alert in notified.items()} == whom


def test_every_channel_says_what_is_wrong_where_and_what_to_do(oncall):
    warning = {**DISK, "alertname": "DiskBusy", "severity": "warning"}
    oncall.raise_alerts(DISK, warning)
    for name, channels, severity in (("DiskSpaceCritical", ON_CALL, "critical"), ("DiskBusy", TEAM, "warning")):
        for alert in oncall.wait_for(name, channels).values():
            assert alert["title"] == f"FIRING {name}, platform ({severity}): Summary of {name} on db-1"
            lines = alert["text"].splitlines()
            assert lines[:4] == [
                f"FIRING {name} ({severity}, platform)",
                f"Summary of {name}",
                "The value is 91.5%: more than 90% is too much.",
                "Where: host=db-1, mount_point=/",
            ]
            assert lines[4].startswith("Since: 2") and lines[4].endswith(" UTC")
            assert lines[5:] == [
                f"Runbook: https://github.com/influencegen/telemetry/blob/main/docs/runbooks/{name}.md",
                "Dashboard: http://127.0.0.1:3000/d/odoo-system-health",
            ]


def test_a_title_names_server_and_database(oncall):
    slow = {"alertname": "PostgresSlowQueries", "severity": "warning", "team": "platform", "database": "shop"}
    oncall.raise_alerts({**slow, "db_instance": "db-1"})
    for alert in oncall.wait_for("PostgresSlowQueries", TEAM).values():
        assert alert["title"].endswith(": Summary of PostgresSlowQueries on db-1, database shop")


@pytest.mark.parametrize("severity, channels", [("critical", ON_CALL), ("warning", TEAM)])
def test_the_end_of_an_alert_is_notified_on_the_same_channels(oncall, severity, channels):
    alert = {**DISK, "severity": severity}
    oncall.raise_alerts(alert)
    oncall.wait_for("DiskSpaceCritical", channels)
    oncall.raise_alerts(alert, resolved=True)
    for notified in oncall.wait_for("DiskSpaceCritical", channels, status="resolved").values():
        assert ", until: " in notified["text"]


def test_one_fault_on_many_hosts_is_one_notification(oncall):
    hosts = [f"web-{number}" for number in range(20)]
    oncall.raise_alerts(*({**DISK, "host": host} for host in hosts))
    until(lambda: len(oncall.received()) == 2 * len(hosts), "20 alerts on two channels")
    pages = [alert for alert in oncall.received() if alert["channel"] == "pager"]
    assert {alert["message"] for alert in pages} == {pages[0]["message"]}
    assert pages[0]["title"].endswith(" [20 firing, 0 resolved]")
    assert {line for page in pages for line in page["text"].splitlines() if line.startswith("Where")} == {
        f"Where: host={host}, mount_point=/" for host in hosts
    }


BUSINESS = {"alertname": "KycQueueOld", "severity": "warning", "team": "business"}
OTHER = {"alertname": "PostgresDeadlocks", "severity": "warning", "team": "platform"}


def test_business_alerts_are_sent_to_their_team(oncall):
    oncall.raise_alerts(BUSINESS)
    assert oncall.wait_for("KycQueueOld", TEAM)["mail"]["to"] == "business@influencegen.example"


def test_the_dead_mans_switch_beats_and_disturbs_nobody(oncall):
    oncall.raise_alerts({"alertname": "DeadMansSwitch", "severity": "none", "team": "platform"}, OTHER)
    until(lambda: oncall.received("/heartbeat")["count"], "a heartbeat")
    oncall.wait_for("PostgresDeadlocks", TEAM)
    assert oncall.names() == {"PostgresDeadlocks"}
