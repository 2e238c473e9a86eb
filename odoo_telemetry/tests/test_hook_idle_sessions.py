from types import SimpleNamespace

from odoo.tests import TransactionCase, tagged

from ..odoo_hooks import idle_sessions

POLL = "/web/dataset/call_kw/telemetry.alert/read_firing"


class Users:
    """What OCA's auth_session_timeout adds to users."""

    def _auth_timeout_get_ignored_urls(self):
        return ["/longpolling"]


@tagged("post_install", "-at_install")
class TestIdleSessions(TransactionCase):
    def setUp(self):
        super().setUp()
        self.users = type("Users", (Users,), {})
        self.registry = {"res.users": self.users}

    def test_polls_are_ignored_beside_what_an_administrator_has_set(self):
        for _registration in range(2):
            idle_sessions.ignore_polls(self.registry)
        self.assertEqual(self.users()._auth_timeout_get_ignored_urls(), ["/longpolling", *idle_sessions.POLLS])
        self.assertTrue(idle_sessions.is_ignored(self.registry, POLL))
        self.assertFalse(idle_sessions.is_ignored(self.registry, "/web/dataset/call_kw/res.users/read"))

    def test_without_that_addon_nothing_is_changed(self):
        registry = {"res.users": SimpleNamespace()}
        idle_sessions.ignore_polls(registry)
        self.assertEqual(vars(registry["res.users"]), {})
        self.assertFalse(idle_sessions.is_ignored(registry, POLL))
