"""The worker processes of the running Odoo: which they are, and how they are ended."""

import os
import random
import re
import signal

import psutil

from tests.waiting import until

ALIVE = re.compile(rb"Worker (Worker\w+) \((\d+)\) alive")


class Workers:
    """The workers of a system's Odoo."""

    def __init__(self, system):
        self._processes = system.processes
        self._log = system.layout.logs / "odoo.log"
        self._read_to = 0
        self._kinds = {}

    def pids(self, kind):
        """Return the process ids of the live workers of a kind: WorkerHTTP or WorkerCron."""
        with open(self._log, "rb") as log:
            log.seek(self._read_to)
            lines = log.read()
        complete = lines.rfind(b"\n") + 1
        self._read_to += complete
        self._kinds.update((int(pid), name.decode()) for name, pid in ALIVE.findall(lines[:complete]))
        return [child.pid for child in self._children() if self._kinds.get(child.pid) == kind]

    def recycle(self):
        """Have an HTTP worker end as it does at its limits, or as Odoo's master asks: after the work in progress."""
        self._end("WorkerHTTP", signal.SIGINT)

    def kill(self):
        """Kill a worker, at times the cron worker, in the middle of its work."""
        self._end(random.choices(["WorkerHTTP", "WorkerCron"], [4, 1])[0], signal.SIGKILL)

    def recycle_all(self):
        """Recycle every HTTP worker."""
        for _worker in self.pids("WorkerHTTP"):
            self.recycle()

    def _end(self, kind, sign):
        before = self.pids(kind)
        ended = before[0] if sign == signal.SIGINT else random.choice(before)
        os.kill(ended, sign)
        until(lambda: ended not in (now := self.pids(kind)) and len(now) == len(before), f"{kind} {ended} is replaced")

    def _children(self):
        for child in psutil.Process(self._processes.pid("odoo")).children():
            try:
                if child.status() != psutil.STATUS_ZOMBIE:
                    yield child
            except psutil.NoSuchProcess:
                continue
