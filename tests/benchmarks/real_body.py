"""What ``/metrics`` of a real Odoo answers, after requests to some routes and calls of some models' methods."""

import re
from itertools import product

import requests

from stack.provide import odoo_source
from tests.benchmarks.odoo_scrape import TOKEN, scrape
from tests.benchmarks.servers import TELEMETRY, Server, running

ROUTES = (
    "/", "/web", "/odoo", "/odoo/settings", "/web/login", "/web/reset_password", "/web/signup", "/web/health", "/my",
    "/web/database/selector", "/web/manifest.webmanifest", "/robots.txt", "/no-such-page", "/influencegen/register",
    "/web/image/1", "/web/content/1", "/web/binary/company_logo",
)  # fmt: skip
MODELS = ("res.partner", "res.users", "res.company", "ir.cron", "ir.attachment", "ir.model", "mail.message")
METHODS = ("search_read", "search_count", "fields_get")
TIMES = 5
PLATFORM = re.compile(
    r'interaction_name="(request_image|register|submit_document|apply|submit_content)"|user_role="(influencer|manager)"'
)
"""What the platform adds to the metrics of any Odoo."""


def of_odoo(database: str) -> list[str]:
    """Return the lines about any Odoo, and none about the platform, with this name in place of the database's."""
    with running(odoo_source.choose(), {TELEMETRY: TELEMETRY}) as servers:
        [server] = servers.values()
        server.shell(TOKEN.format(token=server.layout.secret("scrape-token")))
        for _ in range(TIMES):
            _use(server)
        scrape(server)
        exposition = scrape(server)[1]
    lines = exposition.replace(f'database="{TELEMETRY}"', f'database="{database}"').splitlines()
    return [line for line in lines if re.match("(# (HELP|TYPE) )?odoo_", line) and not PLATFORM.search(line)]


def _use(server: Server) -> None:
    for route in ROUTES:
        requests.get(server.url(route), timeout=120)
    for model, method in product(MODELS, METHODS):
        arguments = [TELEMETRY, 2, "admin", model, method, [] if method == "fields_get" else [[]]]
        call = {"service": "object", "method": "execute_kw", "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "params": call}
        requests.post(server.url("/jsonrpc"), json=body, timeout=120).raise_for_status()
