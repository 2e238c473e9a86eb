import sys
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.bus.models.bus import dispatch
from odoo.addons.bus.tests.common import WebsocketCase

from ..odoo_hooks import websockets
from .hook_case import value


@tagged("post_install", "-at_install")
class TestWebsockets(WebsocketCase):
    def shown(self):
        """Return (open websockets, channels) as they are now."""
        websockets.show()
        return value("odoo_websockets_open"), value("odoo_bus_channels")

    def test_open_websockets_and_their_channels(self):
        before, channels = self.shown()
        first = self.websocket_connect()
        # of the same session: another one would end it
        second = self.websocket_connect(cookie=f"session_id={self.session.sid}")
        self.subscribe(first, ["trial_one", "trial_two"], 0)
        self.assertEqual(self.shown(), (before + 2, len(dispatch._channels_to_ws)))
        self.assertGreaterEqual(len(dispatch._channels_to_ws), channels + 2)
        for opened in (first, second):
            opened.close()
        self.wait_remaining_websocket_connections()
        self.assertEqual(self.shown()[0], before)

    def test_without_the_bus_nothing_is_shown(self):
        with patch.dict(sys.modules, {"odoo.addons.bus.websocket": None}):
            websockets.show()
