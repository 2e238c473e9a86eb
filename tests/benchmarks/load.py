"""Requests from clients that open a connection for each, so that the kernel spreads them over the workers."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor


def get(port: int, path: str, headers: str = "") -> bytes:
    """Return the whole answer to a GET on 127.0.0.1; raises ValueError if its status is not 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    if answer.split(None, 2)[1:2] != [b"200"]:
        raise ValueError(f"{path} was answered with {answer[:100]!r}")
    return answer


def timed(port: int, path: str, requests: int, clients: int) -> tuple[float, list[float]]:
    """Let ``clients`` send ``requests`` GETs; return the seconds of all together, and of each."""

    def one(_number):
        begun = time.perf_counter()
        get(port, path)
        return time.perf_counter() - begun

    with ThreadPoolExecutor(clients) as pool:
        begun = time.perf_counter()
        each = list(pool.map(one, range(requests)))
        return time.perf_counter() - begun, each
