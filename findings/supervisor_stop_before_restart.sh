#!/bin/sh
# supervisor 4.3.0: `supervisorctl stop` right after a program with autorestart has died.
#
# Expected: once `stop` has answered, the program does not run, whether or not it was running before. An operator who
# reads "not running" takes it for stopped, and so does a script that ignores this error, as an idempotent stop has to.
# Observed: for up to a second after the death, `stop` answers "ERROR (not running)", and then supervisor starts the
# program again: its state is EXITED, which stopProcess refuses (https://supervisord.org/api.html#process-control,
# https://supervisord.org/subprocess.html#process-states), and nothing remembers that a stop was asked for.
# Why it matters: whatever stops a service to work on its data, as a backup or a restore does, and finds that it crashed
# a moment ago, works under a service that runs. Ask for the state after a stop, and stop again if it is not STOPPED.
#
# It takes ten seconds; it listens on a socket in its own folder alone.
set -eu
place=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null && wait "$daemon" || true; rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check supervisor==4.3.0
cat > "$place/supervisord.conf" <<'CONFIGURATION'
[supervisord]
nodaemon=true
logfile=%(here)s/log
pidfile=%(here)s/pid
childlogdir=%(here)s
[unix_http_server]
file=%(here)s/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:service]
command=sleep 1000
autorestart=true
CONFIGURATION
"$place/venv/bin/supervisord" -c "$place/supervisord.conf" > /dev/null 2>&1 &
daemon=$!
found=$(timeout 60 "$place/venv/bin/python" - "$place/socket" <<'PYTHON'
import os
import signal
import sys
import time
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport


def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("It took longer than 20 seconds.")
        time.sleep(0.2)


until(lambda: os.path.exists(sys.argv[1]))
calls = xmlrpc.client.ServerProxy("http://x", SupervisorTransport(serverurl=f"unix://{sys.argv[1]}")).supervisor


def state():
    return calls.getProcessInfo("service")["statename"]


def stop():
    try:
        calls.stopProcess("service")
    except xmlrpc.client.Fault as fault:
        return fault.faultString
    return "stopped"


until(lambda: state() == "RUNNING")
print("stop while it runs:", stop(), "- afterwards", state())
# on a busy machine, supervisor may have restarted it before it is asked
for _attempt in range(5):
    calls.startProcess("service")
    os.kill(calls.getProcessInfo("service")["pid"], signal.SIGKILL)
    time.sleep(0.2)
    answer = stop()
    if answer != "stopped":
        break
time.sleep(3)
print("stop after it died:", answer, "- afterwards", state())
PYTHON
)
echo "$found"
[ "$found" = "stop while it runs: stopped - afterwards STOPPED
stop after it died: NOT_RUNNING: service - afterwards RUNNING" ] || { echo "This has changed." >&2; exit 1; }
