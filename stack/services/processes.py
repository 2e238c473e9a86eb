"""The running processes, kept by supervisord: what is to run, starting, waiting for readiness, stopping."""

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from supervisor.states import RUNNING_STATES, ProcessStates
from supervisor.xmlrpc import Faults, SupervisorTransport

from stack import private
from stack.console import StackError, tail
from stack.layout import PROJECT, Layout
from stack.polling import wait_until

# Variable with the state folder in each process, by which surviving ones are found (except nginx: see proxy.py).
MARK = "INFLUENCEGEN_STACK"


@dataclass(frozen=True)
class Program:
    """One server: its command, and how it is stopped."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = PROJECT
    user: str | None = None
    stop_signal: str = "TERM"


class Processes:
    """The processes of one layout."""

    def __init__(self, layout: Layout):
        self.layout = layout
        self.configuration = layout.state / "supervisord.conf"
        self.socket = layout.state / "supervisor.sock"

    def running(self) -> set[str]:
        """Return the names of the programs that run now."""
        up = (ProcessStates.RUNNING, ProcessStates.STARTING)
        return {info["name"] for info in self._infos() if info["state"] in up}

    def pid(self, name: str) -> int:
        """Return the process id of a running program."""
        pid: int = self._call("getProcessInfo", name)["pid"]
        return pid

    def began(self, name: str) -> float:
        """Return when a running program was started, in seconds since 1970."""
        began: float = psutil.Process(self.pid(name)).create_time()
        return began

    def configure(self, programs: Sequence[Program]) -> None:
        """Let supervisord know exactly these programs, and stop changed ones; `stop_all` stops the last one first."""
        previous = self.configuration.read_text() if self.configuration.exists() else None
        text = self._render(programs)
        private.folder(self.layout.state)
        private.folder(self.layout.logs)
        private.write(self.configuration, text)
        if not self._alive():
            self._start_daemon()
        elif text != previous:
            added, changed, removed = self._call("reloadConfig")[0]
            for group in (*changed, *removed):
                self.stop(group)
                self._call("removeProcessGroup", group)
            for group in (*added, *changed):
                self._call("addProcessGroup", group)

    def start(self, name: str) -> None:
        """Start a program unless it runs."""
        try:
            self._call("startProcess", name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.ALREADY_STARTED:
                raise self._trouble(name, f"can't be started: {fault.faultString}") from fault

    def wait(self, name: str, ready: Callable[[], bool], seconds: float = 180) -> None:
        """Wait until `ready` is true; StackError if the program exits, or this takes longer than `seconds`."""

        def answered() -> bool:
            answer = ready()
            if not answer and name not in self.running():
                raise self._trouble(name, "exited")
            return answer

        if not wait_until(answered, seconds, pause=0.1):
            raise self._trouble(name, f"gave no answer for {seconds:.0f} s")

    def reload(self, name: str) -> None:
        """Let a program that runs read its configuration again."""
        if name in self.running():
            self._call("signalProcess", name, "HUP")

    def stop(self, name: str) -> None:
        """Stop one program, if it runs or has just failed and is about to be started again."""
        while info := next((info for info in self._infos() if info["name"] == name), None):
            if info["state"] in RUNNING_STATES:
                try:
                    self._call("stopProcess", name)
                    return
                except xmlrpc.client.Fault as fault:
                    if fault.faultCode != Faults.NOT_RUNNING:
                        raise self._trouble(name, f"can't be stopped: {fault.faultString}") from fault
            elif info["state"] != ProcessStates.EXITED or info["exitstatus"] == 0:
                return
            # it failed: supervisord forks it again right after answering, and would lose a signal sent before the exec
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        """Kill a running program by SIGKILL, as the kernel does, and don't restart it."""
        process = psutil.Process(self.pid(name))
        self._call("stopProcess", name, False)
        process.kill()
        while self._call("getProcessInfo", name)["state"] == ProcessStates.STOPPING:
            time.sleep(0.05)

    def stop_all(self) -> None:
        """Stop every process of the layout: supervisord, what it runs, and what outlived an earlier one."""
        if self._alive():
            daemon = psutil.Process(self._call("getPID"))
            self._call("shutdown")
            daemon.wait(60)
        survivors = list(self._survivors())
        for process in survivors:
            process.terminate()
        for process in psutil.wait_procs(survivors, timeout=10)[1]:
            process.kill()
        self.socket.unlink(missing_ok=True)

    def _infos(self) -> list[dict[str, Any]]:
        try:
            infos: list[dict[str, Any]] = self._call("getAllProcessInfo")
        except (OSError, xmlrpc.client.Error):
            return []
        return infos

    def _survivors(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.layout.state):
                    yield process
            except psutil.Error:
                continue

    def _alive(self) -> bool:
        try:
            self._call("getPID")
        except OSError:
            return False
        return True

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(serverurl=f"unix://{self.socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def _start_daemon(self) -> None:
        if len(str(self.socket)) > 100:
            raise StackError(f"{self.socket} is too long a path for a socket: set INFLUENCEGEN_STATE to a shorter one.")
        self.stop_all()
        environment = {**os.environ, MARK: str(self.layout.state)}
        subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", self.configuration],
            cwd=PROJECT, env=environment, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if not wait_until(self._alive, 20, pause=0.05):
            raise StackError(f"supervisord does not answer.\n{tail(self.layout.logs / 'supervisord.log')}")

    def _trouble(self, name: str, what: str) -> StackError:
        return StackError(f"{name} {what}.\n{tail(self.layout.logs / f'{name}.log')}")

    def _render(self, programs: Sequence[Program]) -> str:
        state = self.layout.state
        sections: dict[str, dict[str, str]] = {}
        sections["unix_http_server"] = {"file": _literal(self.socket), "chmod": "0700"}
        sections["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        sections["supervisord"] = {
            "pidfile": _literal(state / "supervisord.pid"),
            "logfile": _literal(self.layout.logs / "supervisord.log"),
            "childlogdir": _literal(self.layout.logs),
            # logs and data are for the owner's eyes only
            "umask": "077",
        }
        for priority, program in enumerate(programs):
            sections[f"program:{program.name}"] = {
                "command": _literal(shlex.join(map(str, program.command))),
                "environment": ",".join(f'{name}="{_literal(value)}"' for name, value in program.environment.items()),
                "directory": _literal(program.directory),
                "stdout_logfile": _literal(self.layout.logs / f"{program.name}.log"),
                "redirect_stderr": "true",
                # the last in the list is the first to be stopped
                "priority": str(priority),
                "autostart": "false",
                "autorestart": "unexpected",
                "startsecs": "0",
                "stopsignal": program.stop_signal,
                "stopwaitsecs": "30",
                "killasgroup": "true",
                **({"user": program.user} if program.user else {}),
            }
        return "\n".join(
            "\n".join([f"[{section}]", *(f"{name} = {value}" for name, value in options.items()), ""])
            for section, options in sections.items()
        )


def _literal(value: object) -> str:
    """Return a value as it is written in supervisord's configuration, where % begins an expansion."""
    return str(value).replace("%", "%%")
