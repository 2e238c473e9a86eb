import smtplib
import socket
from email.message import EmailMessage

import pytest

TEXT = """FIRING HostDown (critical, platform)
A host is down
The value is 0.
RESOLVED PostgresDown (critical, platform)
PostgreSQL is back
It is FIRING no longer.
"""
ALERTS = [
    {
        "status": "firing",
        "labels": {"alertname": "HostDown", "severity": "critical", "team": "platform"},
        "text": "FIRING HostDown (critical, platform)\nA host is down\nThe value is 0.",
    },
    {
        "status": "resolved",
        "labels": {"alertname": "PostgresDown", "severity": "critical", "team": "platform"},
        "text": "RESOLVED PostgresDown (critical, platform)\nPostgreSQL is back\nIt is FIRING no longer.",
    },
]
EVENT = {
    "routing_key": "key",
    "dedup_key": "1",
    "payload": {
        "summary": "Title",
        "group": "platform",
        "custom_details": {"firing": ALERTS[0]["text"], "resolved": ALERTS[1]["text"]},
    },
}
MESSAGE = {"channel": "#platform", "attachments": [{"title": "Title", "text": TEXT}]}
TOKEN = {"Authorization": "Bearer token"}


@pytest.fixture
def mail_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def receiver(start, mail_port):
    return start("alert_receiver", SMTP_LISTEN=f"127.0.0.1:{mail_port}")


def send_mail(port):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alertmanager@example.org", "platform@example.org", "Title"
    message.set_content(TEXT)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
        server.send_message(message)


def test_alerts_of_all_channels_are_kept_and_printed_one_a_line(receiver, mail_port):
    assert receiver.post("/pager", EVENT).status_code == 202
    assert receiver.post("/chat", MESSAGE, headers=TOKEN).json() == {"ok": True}
    send_mail(mail_port)
    whom = {"pager": "platform", "chat": "#platform", "mail": "platform@example.org"}
    assert receiver.get("/alerts") == [
        {"channel": channel, "to": to, "title": "Title", "message": number, **alert}
        for number, (channel, to) in enumerate(whom.items(), 1)
        for alert in ALERTS
    ]
    output, _ = receiver.stop()
    assert output.splitlines() == [
        f"{channel} to {to}: {alert['text'].splitlines()[0]}" for channel, to in whom.items() for alert in ALERTS
    ]


def test_who_does_not_authenticate_is_refused(receiver):
    assert receiver.post("/pager", {**EVENT, "routing_key": ""}).status_code == 400
    assert not receiver.post("/chat", MESSAGE).json()["ok"]
    assert receiver.post("/pager", []).status_code == 400
    assert receiver.get("/alerts") == []


def test_heartbeats_are_counted_and_are_not_alerts(receiver):
    assert receiver.get("/heartbeat") == {"count": 0, "last": None}
    assert receiver.post("/heartbeat", {"alerts": []}).ok
    heartbeat = receiver.get("/heartbeat")
    assert heartbeat["count"] == 1 and heartbeat["last"] > 1.7e9
    assert receiver.get("/alerts") == []


def test_what_was_received_outlives_a_restart(start, mail_port, tmp_path):
    for number in (1, 2):
        receiver = start("alert_receiver", "--state-dir", str(tmp_path), SMTP_LISTEN=f"127.0.0.1:{mail_port}")
        assert receiver.post("/pager", EVENT).ok and receiver.post("/heartbeat", {}).ok
        assert [alert["message"] for alert in receiver.get("/alerts")] == [1, 1, 2, 2][: 2 * number]
        assert receiver.get("/heartbeat")["count"] == number
        receiver.stop()


def test_a_taken_mail_port_is_named(start, mail_port, capfd):
    with socket.create_server(("127.0.0.1", mail_port)), pytest.raises(AssertionError, match="the simulator ended"):
        start("alert_receiver", SMTP_LISTEN=f"127.0.0.1:{mail_port}")
    assert f"cannot listen for mail on 127.0.0.1:{mail_port}: " in capfd.readouterr().err
