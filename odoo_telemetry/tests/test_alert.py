from odoo.exceptions import AccessError
from odoo.tests import Form, HttpCase, TransactionCase, new_test_user, tagged

from .monitoring_case import NOWHERE, Monitored, answering


def alert(name, severity="warning", since="2030-01-01T10:00:00.000Z", tile="", **annotations):
    """Return an alert as Alertmanager's API gives it."""
    return {
        "labels": {"alertname": name, "severity": severity, **({"tile": tile} if tile else {})},
        "annotations": {"summary": f"{name}!", **annotations},
        "startsAt": since,
        "fingerprint": name,
    }


@tagged("post_install", "-at_install")
class TestAlert(Monitored, TransactionCase):
    def read(self, user=None):
        return self.env["telemetry.alert"].with_user(user or self.user).read_firing()

    def test_the_worst_and_oldest_come_first(self):
        alerts = [
            alert("New"),
            alert("Old", since="2029-01-01T10:00:00.000Z"),
            alert("Known", "info"),
            alert("Bad", "critical"),
        ]
        with answering(alerts) as (url, asked):
            self.configure(alertmanager=url)
            answer = self.read()
        self.assertEqual([known["name"] for known in answer["alerts"]], ["Bad", "Old", "New", "Known"])
        self.assertFalse(answer["message"])
        self.assertEqual(asked, ["/api/v2/alerts?active=true&silenced=false&inhibited=false"])

    def test_the_dead_mans_switch_is_not_listed(self):
        with answering([alert("DeadMansSwitch", "none")]) as (url, _asked):
            self.configure(alertmanager=url)
            self.assertEqual(self.read()["alerts"], [])

    def test_a_runbook_is_a_link_or_nothing(self):
        good, bad = "https://example.com/runbook", "javascript:alert(1)"
        alerts = [alert("A", runbook_url=good), alert("B", runbook_url=bad)]
        with answering(alerts) as (url, _asked):
            self.configure(alertmanager=url)
            self.assertEqual([known["runbook"] for known in self.read()["alerts"]], [good, False])

    def test_it_is_asked_once_in_some_seconds(self):
        with answering([]) as (url, asked):
            self.configure(alertmanager=url)
            self.read()
            self.read()
        self.assertEqual(len(asked), 1)

    def test_without_an_address_it_says_so(self):
        self.assertIn("Settings", self.read()["message"])

    def test_down(self):
        self.configure(alertmanager=NOWHERE)
        answer = self.read()
        self.assertEqual(answer["alerts"], [])
        self.assertIn("127.0.0.1:9 does not respond", answer["message"])

    def test_garbage(self):
        for garbage in (b"<html>", {"data": []}, ["alert"], [{"labels": 1, "annotations": 2, "startsAt": 3}]):
            with answering(garbage) as (url, _asked):
                self.configure(alertmanager=url)
                answer = self.read()
            self.assertEqual(answer["alerts"], [], garbage)
            self.assertIn("answered with an error", answer["message"], garbage)

    def test_an_error_holds_no_password(self):
        with answering(b"no", status=500) as (url, _asked):
            self.configure(alertmanager=url.replace("//", "//ada:secret@"))
            message = self.read()["message"]
        self.assertIn("HTTP 500", message)
        self.assertNotIn("secret", message)

    def test_others_may_not(self):
        for groups in ("base.group_user", "base.group_erp_manager", "base.group_portal"):
            with self.assertRaises(AccessError):
                self.read(new_test_user(self.env, f"telemetry_{groups}", groups=groups))


@tagged("post_install", "-at_install")
class TestPreference(Monitored, HttpCase):
    def session_info(self, login):
        self.authenticate(login, login)
        return self.url_open(
            "/web/session/get_session_info", data=b"{}", headers={"Content-Type": "application/json"}
        ).json()["result"]

    def test_only_who_asked_for_it_is_shown_alerts(self):
        self.assertNotIn("telemetry_alerts", self.session_info("telemetry_watcher"))
        view = "base.view_users_form_simple_modif"
        with Form(self.user.with_user(self.user), view=view) as preferences:
            preferences.telemetry_alerts = True
        self.assertTrue(self.session_info("telemetry_watcher")["telemetry_alerts"])

    def test_who_may_not_see_alerts_is_never_offered_them(self):
        user = new_test_user(self.env, "telemetry_other", groups="base.group_user")
        user.telemetry_alerts = True
        self.assertNotIn("telemetry_alerts", self.session_info("telemetry_other"))
        arch = (
            self.env["res.users"]
            .with_user(user)
            .get_view(self.env.ref("base.view_users_form_simple_modif").id, "form")["arch"]
        )
        self.assertNotIn("telemetry_alerts", arch)
