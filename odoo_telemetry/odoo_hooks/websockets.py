"""Open websockets of each process, and the channels of the bus that they listen to, where ``bus`` is loaded."""

import sys

from ..metrics import store
from ..metrics.catalogue import BUS_CHANNELS, WEBSOCKETS_OPEN

_WEBSOCKET, _BUS = "odoo.addons.bus.websocket", "odoo.addons.bus.models.bus"


def show():
    """Show how many there are in this process now."""
    websocket, bus = sys.modules.get(_WEBSOCKET), sys.modules.get(_BUS)
    if websocket is not None and bus is not None:
        states = [one.state.name for one in list(websocket._websocket_instances)]
        WEBSOCKETS_OPEN.set(states.count("OPEN"))
        BUS_CHANNELS.set(len(bus.dispatch._channels_to_ws))


def install():
    """Measure the websockets of this process."""
    store.heartbeat.add(show)


def uninstall():
    """Stop measuring websockets."""
    store.heartbeat.remove(show)
