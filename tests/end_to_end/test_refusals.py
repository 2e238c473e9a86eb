"""A client without credentials can neither administer nor write to any server, from a web page or otherwise.

The servers are those that run: one that is added without a line here fails the test.
"""

import socket
import stat
from contextlib import closing
from dataclasses import dataclass, field

import psycopg2
import pytest
import requests

from stack.services import odoo, postgres

# The origin of a hostile page, and a name that its owner has made resolve to this machine (DNS rebinding).
ORIGIN, REBOUND = "https://page.example", "rebound.example"
# How a call comes: from a program, from a form of a page or `fetch` without a preflight, from a sandboxed frame, and
# from a page whose name resolves to the server's address. `not_refused` also asks for a preflight.
WAYS = {
    "no credential": {},
    "wrong credential": {"Authorization": "Basic aW5mbHVlbmNlZ2VuOndyb25n"},
    "cross-origin form": {"Origin": ORIGIN, "Referer": f"{ORIGIN}/", "Content-Type": "text/plain"},
    "sandboxed frame": {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"},
    "rebound name": {"Origin": f"http://{REBOUND}", "Host": REBOUND},
}
REFUSED = {401, 403, 404, 405}


@dataclass(frozen=True)
class Call:
    """A call that changes a server, or makes it do something for an anonymous client."""

    method: str
    path: str
    body: object = None
    port: str = ""
    refused: set = field(default_factory=lambda: REFUSED)
    # what the answer says where its status does not
    says: str = ""


def read_only(*paths):
    """Calls of a server that has nothing to change: whatever is sent, it takes nothing."""
    return [Call(method, path) for path in paths for method in ("POST", "PUT", "DELETE", "PATCH")]


RPC = '<?xml version="1.0"?><methodCall><methodName>{}</methodName><params>{}</params></methodCall>'
DATABASE_MANAGER = [
    Call("POST", f"/web/database/{verb}", parameters, port=port, says="Access Denied")
    for port in ("odoo", "gevent", "web")
    for verb, parameters in {
        "create": {"master_pwd": "admin", "name": "mine", "lang": "en_US", "password": "x", "login": "x", "phone": ""},
        "duplicate": {"master_pwd": "admin", "name": odoo.DATABASE, "new_name": "mine"},
        "drop": {"master_pwd": "admin", "name": odoo.DATABASE},
        "backup": {"master_pwd": "admin", "name": odoo.DATABASE},
        "change_password": {"master_pwd": "admin", "master_pwd_new": "mine"},
    }.items()
]
MONITORED = [Call("GET", path) for path in ("/metrics", "/debug/pprof/heap", "/-/healthy")]
STORAGE = [
    Call(method, path) for method in ("GET", "POST") for path in (
        "/api/v1/import/prometheus", "/api/v1/write", "/api/v1/admin/tsdb/delete_series?match[]=none",
        "/tags/delSeries?path=none", "/snapshot/create", "/snapshot/delete_all", "/internal/force_merge",
        "/internal/force_flush", "/internal/resetRollupResultCache", "/internal/log_new_series", "/-/reload",
        "/api/v1/query?query=1", "/metrics", "/flags")
]  # fmt: skip
CONTROL = [Call("PUT", "/control", "{}"), Call("POST", "/control", "{}")]
# What each program is asked to do, by its name.
CALLS = {
    "odoo": [
        *DATABASE_MANAGER,
        *(Call("POST", "/xmlrpc/2/db", RPC.format(method, "<param><value>admin</value></param>" * count), says="Fault")
          for method, count in (("drop", 2), ("dump", 3), ("change_admin_password", 2), ("list", 0))),
        Call("GET", "/metrics"),
    ],
    # in front of Odoo, whose calls above are made by way of it, too
    "proxy": [Call("GET", path) for path in ("/metrics", "/telemetry/metrics")],
    "prometheus": [
        *(Call(method, f"/api/v1/admin/tsdb/{verb}") for method in ("POST", "PUT")
          for verb in ("delete_series?match[]=none", "clean_tombstones", "snapshot")),
        *(Call(method, f"/-/{verb}") for method in ("POST", "PUT") for verb in ("reload", "quit")),
        Call("POST", "/api/v1/write"), Call("POST", "/api/v1/otlp/v1/metrics"),
        Call("GET", "/api/v1/query?query=1"), *MONITORED,
    ],
    "alertmanager": [
        Call("POST", "/api/v2/alerts", "[]"), Call("POST", "/api/v2/silences", "{}"),
        Call("DELETE", "/api/v2/silence/00000000-0000-0000-0000-000000000000"),
        Call("POST", "/-/reload"), Call("GET", "/api/v2/alerts"), *MONITORED,
    ],
    "victoria_5m": STORAGE,
    "victoria_1h": STORAGE,
    "blackbox_exporter": [
        Call("POST", "/-/reload"), Call("PUT", "/-/reload"), Call("GET", "/probe?target=127.0.0.1:1&module=http_2xx"),
        Call("GET", "/config"), *MONITORED,
    ],
    "node_exporter": MONITORED,
    "process_exporter": MONITORED,
    "postgres_exporter": [Call("GET", "/probe?target=127.0.0.1:1"), *MONITORED],
    **{name: read_only("/metrics", "/") for name in ("gpu_exporter", "slow_queries", "backup")},
    **dict.fromkeys(("ai_service", "kyc_provider", "alert_receiver", "n8n_stub"), CONTROL),
    "n8n": [
        # refused with 400: there is an owner already
        Call("POST", "/rest/owner/setup", refused={*REFUSED, 400}, body={
            "email": "me@page.example", "firstName": "M", "lastName": "E", "password": "Password1"}),
        Call("POST", "/rest/workflows", "{}"), Call("GET", "/rest/credentials"), Call("POST", "/rest/users", "[]"),
        Call("PATCH", "/rest/me", "{}"), Call("POST", "/api/v1/workflows", "{}"),
        Call("POST", "/mcp-server/http", "{}"),
        Call("POST", "/webhook/influencegen-image", "{}"), Call("GET", "/webhook/influencegen-metrics"),
    ],
}  # fmt: skip
PORTS = {
    "ai_service": "ai", "kyc_provider": "kyc", "alert_receiver": "receiver", "n8n_stub": "n8n", "node_exporter": "node",
    "process_exporter": "process", "blackbox_exporter": "blackbox", "gpu_exporter": "gpu", "proxy": "web",
}  # fmt: skip


def not_refused(stack, name, call):
    """Return what is wrong with the answers to a call, for each way that it came."""
    port = getattr(stack.layout.ports, call.port or PORTS.get(name, name))
    for way, headers in WAYS.items():
        body = call.body if isinstance(call.body, dict) else (call.body or "").encode()
        if isinstance(body, dict):
            headers = {key: value for key, value in headers.items() if key != "Content-Type"}
        answer = requests.request(call.method, f"http://127.0.0.1:{port}{call.path}", headers=headers, data=body,
                                  timeout=30, allow_redirects=False)  # fmt: skip
        if answer.status_code not in call.refused and (not call.says or call.says.lower() not in answer.text.lower()):
            yield f"{name}: {call.method} {call.path}, {way}: {answer.status_code}"
        if "Origin" in headers and opens(answer, headers["Origin"]):
            yield f"{name}: {call.method} {call.path}, {way}: may be read by {headers['Origin']}"
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": call.method,
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip
    answer = requests.options(f"http://127.0.0.1:{port}{call.path}", headers=asked, timeout=30)
    if opens(answer, ORIGIN):
        yield f"{name}: {call.method} {call.path}, preflight: allowed"


def opens(answer, origin):
    """Say whether a browser lets the page of an origin have an answer."""
    return answer.headers.get("Access-Control-Allow-Origin") in ("*", origin)


def logged_in(stack):
    """Return the roles of PostgreSQL that log in without their password."""
    for role in postgres.PASSWORDS:
        for password in ("", role):
            login = {**postgres.dsn(stack.layout, "postgres"), "user": role, "password": password}
            try:
                with closing(psycopg2.connect(**login)):
                    yield f"postgres: {role} logs in with the password '{password}'"
            except psycopg2.OperationalError:
                continue


def test_no_server_obeys_an_anonymous_client(stack, capsys):
    running = {name for name in stack.processes.running() if not name.startswith("n8n-worker")}
    tables = {**CALLS, "postgres": None, "redis": None}
    assert running <= tables.keys(), "a server is asked nothing here"
    wrong = list(logged_in(stack))
    lines = []
    for name in sorted(running & CALLS.keys()):
        found = [line for call in CALLS[name] for line in not_refused(stack, name, call)]
        lines.append(f"  {name:20} {len(CALLS[name]) * (len(WAYS) + 1):4} calls, {len(found)} not refused")
        wrong += found
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert not wrong, "\n".join(wrong)


def test_who_has_the_credential_is_served(stack):
    for server in ("prometheus", "alertmanager"):
        assert requests.get(stack.url(server, "/-/ready"), timeout=10).ok
    for server in ("victoria_5m", "node", "process", "postgres_exporter", "blackbox"):
        assert requests.get(stack.url(server, "/metrics"), timeout=30).ok, server


@pytest.mark.parametrize("server", ["victoria_5m", "victoria_1h"])
@pytest.mark.parametrize("path", ["/api/v1/admin/tsdb/delete_series?match[]=none", "/snapshot/create"])
def test_a_storage_deletes_nothing_for_who_has_only_the_password(stack, server, path):
    assert requests.post(stack.url(server, path), timeout=10).status_code == 401


def test_supervisor_is_the_owner_s_alone(stack):
    socket_file = stack.processes.socket
    assert stat.S_ISSOCK(socket_file.stat().st_mode)
    assert not socket_file.stat().st_mode & 0o077
    assert not stack.layout.state.stat().st_mode & 0o077


def test_every_server_listens_on_this_machine_alone(stack):
    for name in ("prometheus", "alertmanager", "odoo", "web", "n8n", "victoria_5m", "pg"):
        port = getattr(stack.layout.ports, name)
        # a server that listens on all addresses would also answer on another loopback address
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.2", port)) != 0, name


def test_no_secret_can_be_read_by_another_user(stack):
    state = stack.layout.state
    secrets = {path.read_text() for path in (state / "secrets").iterdir()}
    open_to_others = [path for path in state.rglob("*") if path.is_file() and not path.is_symlink()
                      and path.stat().st_mode & 0o077 and path.stat().st_size < 1_000_000
                      and any(secret in path.read_text(errors="replace") for secret in secrets)]  # fmt: skip
    assert not open_to_others
