"""Workers: how many there are, what they do, and what they use.

What can be seen from outside (alive, memory) is read for all workers by the one that answers a scrape; a worker itself
only shows whether it is busy, and its CPU time.
"""

import functools
import os
import threading
import time

import odoo
from odoo.tools import config

from ..metrics import collectors, store
from ..metrics.catalogue import (
    WORKER_CPU_SECONDS,
    WORKER_RESIDENT_MEMORY,
    WORKERS_ACTIVE,
    WORKERS_BUSY,
    WORKERS_CONFIGURED,
    WORKERS_RECYCLED,
)
from . import patch, queue_job
from .guard import guarded
from .patch import Patch

_KINDS = {"WorkerHTTP": "http", "WorkerCron": "cron", "WorkerJobRunner": "jobrunner"}
_PAGE = os.sysconf("SC_PAGE_SIZE")

_busy = set()
_cpu_flushed = 0.0


def _own_kind():
    """Return the kind of this process as far as it is known at its start, else 'other'."""
    if getattr(odoo, "evented", False):
        return "gevent"
    if not config["workers"]:
        return "threaded"
    names = [thread.name.split()[1:2] for thread in threading.enumerate() if thread.name.startswith("Worker Worker")]
    return _KINDS.get(names[0][0], "other") if names else "other"


def _kind():
    kind = store.directory.kind
    if kind == "other":
        kind = _own_kind()
        store.directory.set_kind(kind)
    return kind


def _reporting(start):
    @functools.wraps(start)
    def reporting_start(self):
        start(self)
        _started(self)

    return reporting_start


@guarded
def _started(worker):
    kind = _KINDS.get(type(worker).__name__, "other")
    store.directory.set_kind(kind)
    store.heartbeat.start()
    _show_busy()
    # the master starts the gevent worker in another way
    if worker.multi.generation > sum(configured().values()) - configured().get("gevent", 0):
        WORKERS_RECYCLED.inc(kind=kind)


def _show_busy():
    WORKERS_BUSY.set(len(_busy), kind=_kind())


def begin():
    """Mark this process as busy with a request or a job; return a token for :func:`end`."""
    token = object()
    _busy.add(token)
    _show_busy()
    return token


def end(token):
    """Mark the request or job of ``token`` as ended."""
    _busy.discard(token)
    _show_busy()


def flush_cpu():
    """Add the CPU time used since the last call."""
    global _cpu_flushed
    before, _cpu_flushed = _cpu_flushed, time.process_time()
    WORKER_CPU_SECONDS.inc(_cpu_flushed - before, kind=_kind())


def _after_fork():
    global _cpu_flushed
    _cpu_flushed = 0.0
    _busy.clear()


os.register_at_fork(after_in_child=_after_fork)


def _finished(stop):
    @functools.wraps(stop)
    def flushed_stop(self):
        flush_cpu()
        stop(self)

    return flushed_stop


def configured():
    """Return {kind: number of workers that the configuration asks for}."""
    if not config["workers"]:
        return {"threaded": 1}
    kinds = {"http": config["workers"], "gevent": 1, "cron": config["max_cron_threads"]}
    return {**kinds, "jobrunner": 1} if queue_job.has_runner() else kinds


def workers(database):
    """Yield how many workers there should be and are, and the memory of each, for the instance (None)."""
    if database is not None:
        return
    alive = dict.fromkeys(configured(), 0)
    for worker in store.directory.live_slots():
        alive[worker.kind] = alive.get(worker.kind, 0) + 1
        memory = _resident_memory(worker.pid)
        if memory is not None:
            yield WORKER_RESIDENT_MEMORY.sample(memory, slot=worker.slot, kind=worker.kind)
    for kind, count in configured().items():
        yield WORKERS_CONFIGURED.sample(count, kind=kind)
    for kind, count in alive.items():
        yield WORKERS_ACTIVE.sample(count, kind=kind)


def _resident_memory(pid):
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return None


_PATCHES = (
    Patch("odoo.service.server:Worker.start", _reporting),
    Patch("odoo.service.server:Worker.stop", _finished),
)


def install():
    """Measure workers, this process included if it is one already."""
    patch.install(_PATCHES)
    if config["workers"] and _own_kind() != "other":
        store.heartbeat.start()
        _show_busy()
    store.heartbeat.add(flush_cpu)
    collectors.add(workers, group="system")


def uninstall():
    """Stop measuring workers."""
    for one in _PATCHES:
        one.uninstall()
    store.heartbeat.remove(flush_cpu)
    collectors.remove(workers)
