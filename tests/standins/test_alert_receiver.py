ALERT = {
    "status": "firing",
    "labels": {"alertname": "BackupJobFailed", "severity": "critical"},
    "annotations": {"summary": "A backup failed", "runbook_url": "https://example.org/BackupJobFailed"},
}


def test_alerts_are_printed_one_a_line_and_kept(start):
    receiver = start("alert_receiver")
    resolved = {**ALERT, "status": "resolved"}
    assert receiver.post("/alerts", {"alerts": [ALERT, resolved]}).ok
    assert receiver.get("/alerts") == [ALERT, resolved]
    output, _ = receiver.stop()
    assert output.splitlines() == [
        f"{state} BackupJobFailed [critical] A backup failed https://example.org/BackupJobFailed"
        for state in ("FIRING", "RESOLVED")]


def test_what_is_no_notification_is_refused(start):
    receiver = start("alert_receiver")
    assert receiver.post("/alerts", []).status_code == 400
    assert receiver.get("/alerts") == []
