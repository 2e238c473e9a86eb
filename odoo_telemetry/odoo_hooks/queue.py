"""The queue in front of the workers: connections that wait in the kernel to be accepted from Odoo's listening sockets.

The kernel reports the length, the limit and the drops of one listening socket through its sock_diag netlink interface
(what ``ss -lmt`` shows); ``/proc/net/tcp`` has neither limit nor drops, and ``/proc/net/netstat`` has the drops of all
sockets together. pyroute2 does the same, but 0.9.7 takes 24 MB of each worker and lists every socket: 26 ms a scrape.
"""

import contextlib
import socket
import struct
from typing import NamedTuple

from odoo.tools import config

from ..metrics import collectors
from ..metrics.catalogue import REQUEST_QUEUE_LENGTH, REQUEST_QUEUE_LIMIT, REQUEST_QUEUE_OVERFLOWS

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_LISTEN = 1 << 10
_SKMEMINFO = 7
_DROPS = 8
_TIMEOUT = 0.1

_HEADER = struct.Struct("=IHHII")
_QUESTION = struct.Struct("=BBBxI")
_QUEUES = struct.Struct("=II")
_COOKIE = struct.Struct("=Q")
_COOKIE_AT = _HEADER.size + 4 + 40
_QUEUES_AT = _COOKIE_AT + _COOKIE.size + 4
_ATTRIBUTES_AT = _HEADER.size + 72


class Listening(NamedTuple):
    """A listening socket: connections that wait, how many may, how many were dropped; and what identifies it."""

    waiting: int
    limit: int
    drops: int
    cookie: int


def listening(port):
    """Return the :class:`Listening` of the socket that listens on TCP ``port``, or None if there is none.

    :raises OSError: when the kernel does not answer.
    """
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(_TIMEOUT)
            question = _QUESTION.pack(family, socket.IPPROTO_TCP, 1 << (_SKMEMINFO - 1), _LISTEN)
            question += struct.pack(">H", port) + bytes(46)
            size = _HEADER.size + len(question)
            kernel.send(_HEADER.pack(size, _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + question)
            answer = kernel.recv(65536)
        length, kind, *_rest = _HEADER.unpack_from(answer)
        if kind == _SOCK_DIAG_BY_FAMILY:
            return Listening(
                *_QUEUES.unpack_from(answer, _QUEUES_AT),
                _drops(answer[_ATTRIBUTES_AT:length]),
                *_COOKIE.unpack_from(answer, _COOKIE_AT),
            )
    return None


def _drops(attributes):
    while len(attributes) >= 4:
        length, kind = struct.unpack_from("=HH", attributes)
        if kind == _SKMEMINFO:
            return struct.unpack_from("=I", attributes, 4 + 4 * _DROPS)[0]
        attributes = attributes[(length + 3) & ~3 :]
    return 0


def queues(database):
    """Yield length and limit of the queues of the HTTP and the gevent port, for the instance (None).

    Their overflows are added to a counter of the store, so that it does not fall when the server starts again.
    """
    if database is not None:
        return
    ports = {"http": config["http_port"]}
    if config["workers"]:
        ports["gevent"] = config["gevent_port"]
    with contextlib.suppress(OSError):
        for listener, port in ports.items():
            found = listening(port)
            if found:
                yield REQUEST_QUEUE_LENGTH.sample(found.waiting, listener=listener)
                yield REQUEST_QUEUE_LIMIT.sample(found.limit, listener=listener)
                REQUEST_QUEUE_OVERFLOWS.follow(found.drops, found.cookie, listener=listener)


def install():
    """Measure the queues."""
    collectors.add(queues, group="system")


def uninstall():
    """Stop measuring the queue."""
    collectors.remove(queues)
