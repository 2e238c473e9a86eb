"""Access to Redis: n8n may use but not administer it, the exporter may run PING and INFO, and others nothing."""

import os
import socket
import subprocess

import pytest
import requests
import yaml

from stack.layout import PROJECT, Layout
from stack.ports import Ports
from stack.provide import debian
from stack.services import n8n
from tests.exporters.served import served
from tests.waiting import until

pytestmark = pytest.mark.servers


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path, Ports.free())


@pytest.fixture
def redis(layout, tmp_path):
    """Function redis(*lines): what a running Redis answers to these lines on one connection."""
    program = n8n.redis(layout)
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            list(map(str, program.command)), env={**os.environ, **program.environment}, stdout=log, stderr=log
        )

    def redis(*lines):
        with socket.create_connection(("127.0.0.1", layout.ports.redis), timeout=10) as connection:
            answers = connection.makefile("rb")
            replies = []
            for line in lines:
                secrets = {"password": layout.secret("redis"), "monitoring": layout.secret("redis-monitoring")}
                connection.sendall(line.format(**secrets).encode() + b"\r\n")
                replies.append(answers.readline().decode().strip())
            return replies

    def listens():
        try:
            return redis("PING")
        except OSError:
            return None

    redis.kill = process.kill
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
def test_n8n_is_not_an_administrator(redis, command):
    assert redis("AUTH n8n {password}", command)[1].startswith("-NOPERM")


def test_n8n_has_its_queue(redis):
    length = "EVAL \"return redis.call('LLEN', 'bull:jobs:wait')\" 0"
    answers = redis("AUTH n8n {password}", "LPUSH bull:jobs:wait 1", length, "PUBLISH n8n.commands x")
    assert answers == ["+OK", ":1", ":1", ":0"]


@pytest.mark.parametrize("command", ["LLEN bull:jobs:wait", "GET a", "CONFIG GET *", "CLIENT LIST", "SHUTDOWN"])
def test_the_exporter_sees_no_key_and_changes_nothing(redis, command):
    assert redis("AUTH monitoring {monitoring}", command)[1].startswith("-NOPERM")


def test_the_exporter_knows_whether_redis_is_up(layout, redis):
    """With the options and the user of Compose."""
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    options = compose["services"]["redis-exporter"]["command"].replace("redis:6379", f"127.0.0.1:{layout.ports.redis}")
    address = f"127.0.0.1:{layout.ports.node}"
    exporter = subprocess.Popen(
        [debian.program("prometheus-redis-exporter", "prometheus-redis-exporter"), *options.split(),
         f"-web.listen-address={address}"],
        env={"REDIS_PASSWORD": layout.secret("redis-monitoring")}, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def values():
        try:
            return {sample.name: sample.value for sample in served(f"http://{address}/metrics")}
        except requests.ConnectionError:
            return {}

    try:
        until(lambda: values().get("redis_up") == 1, "Redis is up")
        assert values()["redis_exporter_last_scrape_error"] == 0
        assert values()["redis_memory_used_bytes"] > 0
        redis.kill()
        until(lambda: values().get("redis_up") == 0, "Redis is down")
    finally:
        exporter.kill()
        exporter.wait()
