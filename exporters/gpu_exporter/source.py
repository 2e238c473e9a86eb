"""Where readings come from: a process that is watched and replaced, so that a crash of NVML can't crash the exporter.

A fresh process is also the cure for everything that can be cured: it loads the library of a new driver, and finds GPUs
that came back.
"""

import multiprocessing
import time

from .reader import Reading, serve

READ_TIMEOUT_SECONDS = 3
"""How long a scrape waits: well under Prometheus's time-out of 10 s, even for a scrape that waits for another."""

INIT_TIMEOUT_SECONDS = 60
"""How long NVML may take to wake the GPUs: seconds for each of them, if nothing keeps the driver loaded."""

_INITIALIZING = Reading("NVML is still being initialized")


class Source:
    """The process that reads. Not for several threads at once."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._ready = self._failed = self._killed = False
        self._failure = _INITIALIZING
        self._start()

    def read(self) -> Reading:
        """Return what NVML says now; its `trouble` is set if it returns nothing.

        Takes READ_TIMEOUT_SECONDS at most, plus up to 1 s to end the process.
        """
        deadline = time.monotonic() + READ_TIMEOUT_SECONDS
        if not self._process.is_alive():
            self._start()
        elif self._killed:
            return Reading(f"a call of NVML hangs in the driver, and process {self._process.pid} can't be ended")
        elif self._failed:
            # it has said why, and is still on its way out
            return self._failure
        try:
            if not self._ready:
                if not self._answered(deadline):
                    if time.monotonic() > self._started + INIT_TIMEOUT_SECONDS:
                        self._kill()
                    # what failed before still holds: a reason that comes and goes would be logged each time
                    return self._failure
                failure: Reading | None = self._pipe.recv()
                if failure:
                    self._failed, self._failure = True, failure
                    self._process.join(1)
                    return failure
                self._ready, self._failure = True, _INITIALIZING
            self._pipe.send(None)
            if not self._answered(deadline):
                self._kill()
                return Reading(f"NVML gave no answer in {READ_TIMEOUT_SECONDS} s")
            reading: Reading = self._pipe.recv()
            return reading
        except (EOFError, OSError):
            self._process.join(1)
            return Reading(f"the NVML process exited with status {self._process.exitcode}")

    def renew(self) -> None:
        """Replace the process by a fresh one now, unless it has not answered yet: then it is fresh."""
        if self._ready:
            self._kill()
            if not self._process.is_alive():
                self._start()

    def _answered(self, deadline: float) -> bool:
        return self._pipe.poll(max(0, deadline - time.monotonic()))

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._started = time.monotonic()
        self._ready = self._failed = self._killed = False

    def _kill(self) -> None:
        self._process.kill()
        self._process.join(1)
        self._killed = True
