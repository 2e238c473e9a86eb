"""Prometheus and Alertmanager that misbehave: each costs three seconds at most, once."""

import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from odoo_telemetry import monitoring as module


@pytest.fixture
def monitoring(monkeypatch):
    """The addon's module, without Odoo, which keeps no answer of another test; what a test sets in it is undone."""
    for name in ("SECONDS", "CACHE_SECONDS", "LARGEST_BYTES"):
        monkeypatch.setattr(module, name, getattr(module, name))
    module.forget()
    return module


@contextmanager
def server(answer):
    """Let ``answer(connection)`` answer each connection; give the address and a list with an entry for each."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                calls.append(connection)
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", calls
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in calls:
                connection.close()


def answering(body, status="200 OK", headers=""):
    def answer(connection):
        connection.recv(65_536)
        connection.sendall(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        connection.close()

    return answer


def reason(monitoring, url):
    with pytest.raises(monitoring.Unavailable) as raised:
        monitoring.firing(url)
    return raised.value.reason


def drip(connection):
    """Send a byte of an endless answer now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    try:
        while True:
            connection.sendall(b" " * 70_000)
            time.sleep(0.1)
    except OSError:
        pass


def test_who_never_answers_is_given_up_and_not_asked_again_at_once(monitoring):
    monitoring.SECONDS = 0.5
    with server(lambda connection: None) as (url, calls):
        begun = time.monotonic()
        assert reason(monitoring, url) == "silent"
        assert time.monotonic() - begun < 20
        with pytest.raises(monitoring.Unavailable):
            monitoring.history(url, "up", 0, 60)
        assert len(calls) == 1


def test_who_answers_without_end_is_given_up(monitoring):
    monitoring.SECONDS = 0.5
    with server(drip) as (url, _calls):
        begun = time.monotonic()
        assert reason(monitoring, url) == "silent"
        assert time.monotonic() - begun < 20


def test_who_answers_too_much_is_given_up(monitoring):
    monitoring.LARGEST_BYTES = 100_000
    with server(answering(" " * 200_000)) as (url, _calls):
        assert reason(monitoring, url) == "garbled"


def test_nobody_is_sent_elsewhere(monitoring):
    with server(answering("[]")) as (elsewhere, calls):
        with server(answering("", "302 Found", f"Location: {elsewhere}\r\n")) as (url, _calls):
            assert reason(monitoring, url) == "refused"
        assert calls == []


def test_an_answer_is_cached_for_some_seconds(monitoring):
    body = json.dumps({"data": {"result": [{"metric": {"a": "b"}, "values": [[1, "2"]]}]}})
    with server(answering(body)) as (url, calls):
        for _time in range(2):
            assert monitoring.history(url, "up", 0, 60) == [({"a": "b"}, [(1.0, 2.0)])]
        assert len(calls) == 1
        monitoring.history(url, "down", 0, 60)
        assert len(calls) == 2
        monitoring.CACHE_SECONDS = 0
        monitoring.forget()
        monitoring.history(url, "up", 0, 60)
        monitoring.history(url, "up", 0, 60)
        assert len(calls) == 4


def test_an_address_without_its_password(monitoring):
    error = monitoring.Unavailable("silent", "http://ada:secret@example.com:9090/x")
    assert error.address == "example.com:9090"
    assert "secret" not in str(error)
