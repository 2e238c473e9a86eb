"""Odoo: how it is configured and run, and the database it runs on."""

import hashlib
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stack import private
from stack.console import run, step
from stack.layout import ADDONS, PROJECT, Layout
from stack.provide.odoo_source import SERIES, Source
from stack.services import postgres
from stack.services.processes import Program

DATABASE = "influencegen"

CONFIGURATION = """[options]
addons_path = {addons_path}
data_dir = {data_dir}
server_wide_modules = {server_wide_modules}
db_host = 127.0.0.1
db_port = {ports.pg}
db_user = {user}
db_password = {password}
db_name = {database}
dbfilter = ^{database}$
db_maxconn = 16
list_db = False
admin_passwd = {admin_passwd}
http_interface = 127.0.0.1
http_port = {ports.odoo}
gevent_port = {ports.gevent}
proxy_mode = False
workers = {workers}
max_cron_threads = 1
without_demo = True
limit_memory_hard = {limit_memory_hard}
"""
# Odoo's own default; a process with threads has none, because what it starts would inherit it.
LIMIT_MEMORY_HARD = 2560 * 1024 * 1024


def configure(
    layout: Layout, source: Source, *, database: str = DATABASE, workers: int = 4, data_dir: Path | None = None
) -> Path:
    """Write the configuration file for a database and return its path; it holds secrets.

    Odoo is traced if $OTEL_EXPORTER_OTLP_ENDPOINT names a collector, as n8n is.
    """
    # the RPC endpoints are a module of their own since 19.0
    rpc = ["rpc"] if any((path / "rpc").is_dir() for path in source.addons_path) else []
    # the addon that declares the platform's metrics is loaded before odoo_telemetry, which needs them
    telemetry = [addon for addon in reversed(ADDONS[1:]) if (PROJECT / addon / "__manifest__.py").exists()]
    text = CONFIGURATION.format(
        addons_path=",".join(map(str, [*source.addons_path, PROJECT])),
        data_dir=data_dir or files(layout),
        server_wide_modules=",".join(["base", *rpc, "web", *telemetry]),
        ports=layout.ports,
        user=postgres.ODOO,
        password=layout.secret(postgres.PASSWORDS[postgres.ODOO]),
        database=database,
        admin_passwd=layout.secret("odoo-master"),
        workers=workers,
        limit_memory_hard=LIMIT_MEMORY_HARD if workers else 0,
    )
    collector = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if collector:
        text += f"odoo_telemetry_otlp_endpoint = {collector}\n"
    path = layout.state / f"{database}.conf"
    if private.read(path) != text:
        private.write(path, text)
    return path


def files(layout: Layout) -> Path:
    """Return where Odoo keeps its files."""
    return layout.state / "odoo"


def environment(source: Source) -> dict[str, str]:
    """Return the variables under which this Odoo is run."""
    # application_name in PostgreSQL: Odoo would append each worker's pid, and postgres_exporter would add series for it
    name = "ODOO_PGAPPNAME" if source.series == SERIES else "PGAPPNAME"
    return {"TZ": "UTC", name: "odoo"}


def program(layout: Layout, source: Source) -> Program:
    """Return how the server is run."""
    return Program(
        name="odoo",
        command=[*source.command, "--config", layout.state / f"{DATABASE}.conf"],
        environment=environment(source),
    )


def run_once(layout: Layout, source: Source, configuration: Path, *arguments: str, script: str | None = None) -> None:
    """Run Odoo's command line once, beside a server or without one; `script` is Python for its standard input."""
    command, *options = arguments or ("server",)
    run(
        [*source.command, command, "--config", configuration, "--no-http", "--workers=0", *options],
        log=layout.logs / "odoo-once.log",
        env={**os.environ, **environment(source)},
        cwd=layout.state,
        input=script,
        text=True,
    )


def is_current(layout: Layout, source: Source) -> bool:
    """Say whether the database is as `install` would leave it."""
    return _record(layout) == _wanted(layout, source)


def install(layout: Layout, source: Source, configuration: Path) -> None:
    """Bring the database, the addons in it and their settings up to what is in the checkout."""
    wanted, present = _wanted(layout, source), _record(layout)
    exists = bool(postgres.execute(layout, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))
    if exists and present == wanted:
        return
    _record_file(layout).unlink(missing_ok=True)
    addons = ",".join(ADDONS)
    if exists and present.get("addons") == wanted["addons"] and present["series"] == source.series:
        pass
    elif exists and present.get("series") == source.series:
        with step("upgrade of the addons"):
            run_once(layout, source, configuration, "server", "--update", addons, "--stop-after-init")
    else:
        if exists:
            was = f"of Odoo {present['series']}" if present else "unfinished"
            print(f"  the database is {was}: recreating it")
            postgres.execute(layout, f'DROP DATABASE "{DATABASE}" WITH (FORCE)', role=postgres.ADMIN)
            # its attachments, and what telemetry had counted of it
            shutil.rmtree(files(layout), ignore_errors=True)
        with step(f"Odoo {source.series} database with {', '.join(ADDONS)} (a minute or two, first time only)"):
            postgres.create_database(layout, DATABASE, postgres.ODOO, "TEMPLATE template0 LC_COLLATE 'C'")
            run_once(layout, source, configuration, "server", "--init", addons, "--stop-after-init")
    with step("settings"):
        run_once(layout, source, configuration, "shell", script=_settings(layout))
    private.write(_record_file(layout), json.dumps(wanted))


def _wanted(layout: Layout, source: Source) -> dict[str, Any]:
    return {"series": source.series, "addons": fingerprint(PROJECT, ADDONS), "ports": asdict(layout.ports)}


def _record(layout: Layout) -> dict[str, Any]:
    file = _record_file(layout)
    record: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return record


def _record_file(layout: Layout) -> Path:
    return layout.state / "installed.json"


def _settings(layout: Layout) -> str:
    """Return the script that sets Odoo's own address, those of its services, and its secrets."""
    ports = layout.ports
    parameters = {
        "web.base.url": f"http://127.0.0.1:{ports.web}",
        "web.base.url.freeze": "True",
        "influencegen.n8n_webhook_url": f"http://127.0.0.1:{ports.n8n}/webhook/influencegen-image",
        "influencegen.kyc_url": f"http://127.0.0.1:{ports.kyc}",
        "influencegen.payment_url": f"http://127.0.0.1:{ports.kyc}/payments",
        "influencegen.callback_url": f"http://127.0.0.1:{ports.odoo}/influencegen/image/callback",
        "influencegen.webhook_secret": layout.secret("webhook"),
        # all of the demo's and the tests' influencers come from this machine
        "influencegen.registrations_per_client": "1000000",
        "influencegen.registrations_per_hour": "1000000",
        "odoo_telemetry.prometheus_url": layout.url("prometheus"),
        "odoo_telemetry.alertmanager_url": layout.url("alertmanager"),
    }
    return f"""
for name, value in {parameters!r}.items():
    env["ir.config_parameter"].sudo().set_param(name, value)
env.ref("base.user_admin").password = {layout.secret("admin")!r}
env["telemetry.settings"]._set_scrape_token({layout.secret("scrape-token")!r})
env.cr.commit()
"""


def fingerprint(folder: Path, addons: tuple[str, ...]) -> str:
    """Return a hash over the paths and contents of the addons' files."""
    digest = hashlib.sha256()
    for addon in addons:
        for path in sorted((folder / addon).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
