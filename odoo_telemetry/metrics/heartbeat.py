"""What a measured process does once a second, whether or not it has something to answer."""

import threading

SECONDS = 1.0


class Heartbeat:
    """Calls ``function()`` once a second in a thread of its own, which ends with the process.

    Where Odoo serves by gevent, a thread is a greenlet. A child of a fork has none, and needs another instance.
    """

    def __init__(self, function):
        self._function = function
        self._thread = None
        self._stopped = None

    def start(self):
        """Begin; does nothing if it is running."""
        if self._thread is None:
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="odoo_telemetry.heartbeat", daemon=True
            )
            self._thread.start()

    def stop(self):
        """End it: at once if it waits, else after the present call."""
        if self._thread is not None:
            self._thread = None
            self._stopped.set()

    def _run(self, stopped):
        while not stopped.wait(SECONDS):
            self._function()
