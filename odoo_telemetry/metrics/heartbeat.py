"""A thread that runs periodic tasks once a second, independent of requests."""

import threading
from collections.abc import Callable

SECONDS = 1.0


class Heartbeat:
    """Once a second, calls the functions that were added, in a thread of its own, which ends with the process.

    Where Odoo serves by gevent, a thread is a greenlet.

    :param failed: called with what a function raises; the others are called all the same
    """

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._failed = failed
        self._functions: list[Callable[[], None]] = []
        self._stopped: threading.Event | None = None

    def add(self, function: Callable[[], None]) -> None:
        """Call ``function()`` from now on; does nothing if it is called already."""
        if function not in self._functions:
            self._functions.append(function)

    def remove(self, function: Callable[[], None]) -> None:
        """Undo :meth:`add`."""
        if function in self._functions:
            self._functions.remove(function)

    def start(self) -> None:
        """Begin; does nothing if it is running."""
        if self._stopped is None:
            self._stopped = threading.Event()
            threading.Thread(
                target=self._run, args=(self._stopped,), name="odoo_telemetry.heartbeat", daemon=True
            ).start()

    def stop(self) -> None:
        """End it: at once if it waits, else after the present call."""
        if self._stopped is not None:
            self._stopped.set()
            self._stopped = None

    def forked(self) -> None:
        """Record that this process is a child of a fork, which has no thread but the one that forked."""
        self._stopped = None

    def beat(self) -> None:
        """Call the functions now; never raises."""
        for function in tuple(self._functions):
            try:
                function()
            except Exception as exception:
                self._failed(exception)

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.wait(SECONDS):
            self.beat()
