"""Child processes, forked from the test as Odoo forks its workers."""

import os
import signal
import traceback


def run(function):
    """Run ``function()`` in a forked process, wait, and return its exit status (negative: the signal that ended it)."""
    return wait(start(function))


def start(function):
    """Run ``function()`` in a forked process and return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid


def wait(pid):
    """Return the exit status of the child ``pid`` when it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill(pid):
    """End the child ``pid`` with SIGKILL and wait for it."""
    os.kill(pid, signal.SIGKILL)
    wait(pid)
