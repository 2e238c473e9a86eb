"""Redis, as the queue of n8n runs it, obeys n8n alone, and only in what a queue is made of."""

import os
import socket
import subprocess

import pytest

from stack.layout import Layout
from stack.ports import Ports
from stack.services import n8n
from tests.end_to_end.waiting import until

pytestmark = pytest.mark.servers


@pytest.fixture
def redis(tmp_path):
    """Function redis(*lines): what a running Redis answers to these lines on one connection."""
    layout = Layout(tmp_path, Ports.free())
    program = n8n.redis(layout)
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            list(map(str, program.command)), env={**os.environ, **program.environment}, stdout=log, stderr=log
        )

    def redis(*lines):
        with socket.create_connection(("127.0.0.1", layout.ports.redis), timeout=10) as connection:
            answers = connection.makefile("rb")
            told = []
            for line in lines:
                connection.sendall(line.format(password=layout.secret("redis")).encode() + b"\r\n")
                told.append(answers.readline().decode().strip())
            return told

    def listens():
        try:
            return redis("PING")
        except OSError:
            return None

    try:
        until(listens, "Redis answers")
        yield redis
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("command", ["PING", "SET a b", "FLUSHALL", "CONFIG GET *", "SHUTDOWN", "EVAL return(1) 0",
                                     "AUTH wrong", "AUTH n8n wrong", "AUTH default wrong"])  # fmt: skip
def test_nobody_is_obeyed_without_the_password(redis, command):
    [answer] = redis(command)
    assert answer.startswith(("-NOAUTH", "-WRONGPASS", "-ERR AUTH"))
    assert redis("PING")[0].startswith("-NOAUTH"), "it still runs"


@pytest.mark.parametrize("command", ["CONFIG SET dir /tmp", "FLUSHALL", "SHUTDOWN NOSAVE", "KEYS *",
                                     "ACL LIST", "REPLICAOF 127.0.0.1 1", "MODULE LIST", "SAVE"])  # fmt: skip
def test_n8n_is_no_administrator(redis, command):
    assert redis("AUTH n8n {password}", command)[1].startswith("-NOPERM")


def test_n8n_has_its_queue(redis):
    length = "EVAL \"return redis.call('LLEN', 'bull:jobs:wait')\" 0"
    answers = redis("AUTH n8n {password}", "LPUSH bull:jobs:wait 1", length, "PUBLISH n8n.commands x")
    assert answers == ["+OK", ":1", ":1", ":0"]
