import contextlib
import os
import signal
import socket
import sys
import time

import psutil
import pytest

from stack.console import StackError
from stack.layout import Layout
from stack.ports import Ports
from stack.services.processes import Processes, Program

SERVER = "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path, Ports.free())


@pytest.fixture
def processes(layout):
    """The processes of a layout, all of them stopped at the end."""
    processes = Processes(layout)
    yield processes
    processes.stop_all()


def server(layout, name="ai"):
    return Program(name, [sys.executable, "-c", SERVER.format(port=getattr(layout.ports, name))])


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_what_is_killed_ends_at_once_and_can_be_started_again(layout, processes):
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SERVER.format(port=layout.ports.ai)}"
    processes.configure([Program("ai", [sys.executable, "-c", deaf])])
    processes.start("ai")
    processes.wait("ai", lambda: listens(layout.ports.ai))
    begun = time.monotonic()
    processes.kill("ai")
    assert not processes.running() and not listens(layout.ports.ai)
    assert time.monotonic() - begun < 20, "it was given the 30 s that a program has to end by itself"
    processes.start("ai")
    processes.wait("ai", lambda: listens(layout.ports.ai))


def test_start_wait_stop(layout, processes):
    processes.configure([server(layout)])
    assert processes.running() == set()
    processes.start("ai")
    processes.wait("ai", lambda: listens(layout.ports.ai))
    processes.start("ai")
    assert processes.running() == {"ai"}
    processes.stop_all()
    assert processes.running() == set()
    assert not listens(layout.ports.ai)


def test_a_program_that_ends_is_reported_with_the_end_of_its_log(processes):
    processes.configure([Program("ai", [sys.executable, "-c", "print('what 100% is'); raise SystemExit(0)"])])
    processes.start("ai")
    with pytest.raises(StackError, match="(?s)ai exited.*what 100% is"):
        processes.wait("ai", lambda: False)


def test_a_program_that_never_answers_is_reported(layout, processes):
    processes.configure([server(layout)])
    processes.start("ai")
    with pytest.raises(StackError, match="gave no answer"):
        processes.wait("ai", lambda: False, seconds=0.2)


def test_only_what_changed_is_stopped(layout, processes):
    processes.configure([server(layout, "ai"), server(layout, "kyc")])
    for name in ("ai", "kyc"):
        processes.start(name)
    processes.configure([server(layout, "ai"), Program("kyc", ["sleep", "600"])])
    assert processes.running() == {"ai"}


@pytest.mark.parametrize("leave", [lambda processes: processes.stop("ai"), lambda processes: processes.configure([])])
def test_what_fails_again_and_again_is_stopped_for_good(processes, leave):
    for _time in range(20):
        processes.configure([Program("ai", ["false"])])
        with contextlib.suppress(StackError):  # it may have failed before anybody looks
            processes.start("ai")
        leave(processes)
        # before it answers a call, supervisord checks which programs to restart
        assert not any(processes.running() for _question in range(5))


def test_what_has_failed_and_cannot_be_started_again_can_be_left_out(processes, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nrm $0\nexit 1\n")
    program.chmod(0o755)
    processes.configure([Program("ai", [program])])
    processes.start("ai")
    while processes.running():
        time.sleep(0.01)
    processes.configure([])
    processes.configure([Program("ai", ["sleep", "600"])])
    processes.start("ai")
    assert processes.running() == {"ai"}


def test_what_outlived_its_supervisor_is_stopped(layout, processes):
    processes.configure([server(layout)])
    processes.start("ai")
    processes.wait("ai", lambda: listens(layout.ports.ai))
    orphan = psutil.Process(processes.pid("ai"))
    supervisor = orphan.parent()
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait(10)
    assert orphan.is_running()
    processes.configure([server(layout)])
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    processes.start("ai")
    processes.wait("ai", lambda: listens(layout.ports.ai))


def test_a_path_that_is_too_long_for_a_socket_is_refused(tmp_path):
    layout = Layout(tmp_path / ("x" * 100), Ports())
    with pytest.raises(StackError, match="INFLUENCEGEN_STATE"):
        Processes(layout).configure([])
