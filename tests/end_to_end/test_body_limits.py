"""40 MB without a length, sent to each intake: refused, and never held by the worker."""

import re
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib import import_module
from importlib.util import find_spec
from inspect import getmembers, isclass, ismodule
from pathlib import Path

import psutil
import pytest

from stack.layout import ADDONS

from .client import Client
from .load import BackOffice, address
from .servers import SPARE, serving

PIECE = b"x" * 64 * 1024
PIECES = 40_000_000 // len(PIECE)
TRIES = 3
PARSER = 256 * 1024
"""Bytes that Werkzeug's parser of multipart forms takes for a form of any length: it copies pieces of 64 KiB."""

JSON = ("application/json", b'{"name": "')
FORM = ("application/x-www-form-urlencoded", b"name=")
PART = b'--edge\r\nContent-Disposition: form-data; name="document"'
MULTIPART = "multipart/form-data; boundary=edge"
FILE = (MULTIPART, PART + b'; filename="a.png"\r\nContent-Type: image/png\r\n\r\n')
TEXT = (MULTIPART, PART + b"\r\n\r\n")
OTHER = ("text/plain", b"")


@dataclass(frozen=True)
class Sent:
    """A body that is sent to an intake.

    :param body: its content type, and how it begins
    :param limit: bytes of it that the intake takes
    :param status: of the answer
    :param anonymous: whether nobody is logged in
    """

    method: str
    path: str
    body: tuple
    limit: int
    status: int = 413
    anonymous: bool = False


def bodies():
    """Yield what is sent: each kind of body to each intake of the addons."""
    from odoo.addons.influencegen.controllers import callback, portal, registration
    from odoo.addons.influencegen.intake import MAX_PAGE
    from odoo.addons.influencegen.models.kyc import DOCUMENT_MAX_BYTES
    from odoo.addons.odoo_telemetry.controllers import browser

    yield Sent("POST", "/influencegen/api/register", JSON, registration.MAX_BODY)
    yield Sent("POST", "/influencegen/image/callback", JSON, callback.MAX_BODY)
    yield Sent("POST", "/telemetry/browser", JSON, browser.LARGEST_BATCH)
    # takes no body
    for path in ("/metrics", "/telemetry/metrics"):
        yield Sent("GET", path, JSON, MAX_PAGE, 401)
    gallery = "/my/influencegen/images"
    for path in ("/influencegen/register", "/my/influencegen", gallery, f"{gallery}/page/1"):
        for body in (FORM, FILE, TEXT):
            yield Sent("GET", path, body, MAX_PAGE)
        # what isn't a form is ignored
        yield Sent("GET", path, OTHER, MAX_PAGE, 200)
    document = DOCUMENT_MAX_BYTES + portal.MAX_FORM
    for path, multipart in {
        "/influencegen/register": registration.MAX_BODY,
        "/my/influencegen/kyc": document,
        "/my/influencegen/campaigns/1/apply": portal.MAX_FORM,
        "/my/influencegen/applications/1/content": portal.MAX_FORM,
        "/my/influencegen/images": portal.MAX_FORM,
    }.items():
        yield Sent("POST", path, FORM, portal.MAX_FORM)
        yield Sent("POST", path, FILE, multipart)
        yield Sent("POST", path, TEXT, multipart)
        # it holds no CSRF token
        yield Sent("POST", path, OTHER, portal.MAX_FORM, 400)
        if path.startswith("/my/"):
            yield Sent("POST", path, FORM, portal.MAX_FORM, 303, anonymous=True)


def send(server, cookies, sent, pieces):
    """Send a body of so many pieces in chunks, without its length; return the status of the answer."""
    content_type, start = sent.body
    headers = {
        "Content-Type": content_type, "Transfer-Encoding": "chunked", "Sec-Fetch-Site": "same-origin",
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }  # fmt: skip
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    try:
        body = iter([start, *[PIECE] * pieces])
        connection.request(sent.method, sent.path, body=body, headers=headers, encode_chunked=True)
        return connection.getresponse().status
    finally:
        connection.close()


def growth(pid, work):
    """Return the result of `work`, and by how many bytes a process's memory grew at most during it."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # its peak is what it has now
    before = memory(pid, "VmHWM")
    return work(), memory(pid, "VmHWM") - before


def memory(pid, field):
    """Return a field of a process's status, in bytes."""
    [kilobytes] = re.findall(rf"^{field}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024


def routes():
    """Yield method and path of each route of the addons."""
    for package in filter(find_spec, (f"odoo.addons.{addon}.controllers" for addon in ADDONS)):
        package = import_module(package)
        for _name, module in getmembers(package, ismodule):
            for controller in [cls for _name, cls in getmembers(module, isclass) if cls.__module__ == module.__name__]:
                for endpoint in vars(controller).values():
                    routing = getattr(endpoint, "original_routing", {"routes": ()})
                    for path in routing["routes"]:
                        yield from ((method, re.sub(r"<int:\w+>", "1", path)) for method in routing["methods"])


@pytest.mark.system
def test_every_route_is_tried():
    assert {(sent.method, sent.path) for sent in bodies()} == set(routes())


def test_no_intake_holds_more_than_it_takes(system, monkeypatch):
    # By default, glibc keeps what the first large body took, which would hide the growth by the next one. With these
    # settings, a block of 1 MiB or more always goes back to the system, and what smaller ones took always stays.
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", str(2**20))
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", str(2**26))
    faults = []
    with serving(system, SPARE[:1], workers=1, max_cron_threads="0") as server:
        [worker] = [child.pid for child in psutil.Process(server.pid).children() if "gevent" not in child.cmdline()]
        back_office = BackOffice(system, server.url, SPARE[0])
        person, anonymous = Client(server.url, SPARE[0]), Client(server.url, SPARE[0])
        back_office.log_in_person(person, back_office.register_person(person, address()))
        for sent in bodies():
            cookies = (anonymous if sent.anonymous else person).session.cookies
            # loads what the answer needs, once
            send(server, cookies, sent, 2)
            allowed = max(2 * sent.limit, PARSER if sent.body[0] == MULTIPART else 0)
            answers = []
            # what else the worker does now and then makes it grow as well, but not each time
            while len(answers) < TRIES and all(grown >= allowed for _status, grown in answers):
                answers.append(growth(worker, lambda s=sent, c=cookies: send(server, c, s, PIECES)))
            status, grown = answers[-1]
            if status != sent.status or grown >= allowed:
                faults.append(f"{sent.method} {sent.path} {sent.body[0]}: (status, bytes) {answers}, allowed {allowed}")
        assert psutil.pid_exists(worker)
    assert not faults, "\n".join(faults)
