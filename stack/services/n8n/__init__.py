"""n8n: where it comes from, its database, and the project's own workflows in it."""

import hashlib
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import requests

from stack import private
from stack.console import StackError, run, step, tail
from stack.layout import PROJECT, Layout
from stack.provide import debian, npm
from stack.services import postgres
from stack.services.processes import Processes, Program

WORKFLOWS = PROJECT / "n8n_workflows"
SCRIPTS = (WORKFLOWS / "schema.sql", WORKFLOWS / "metrics.sql")
OWNER = WORKFLOWS / "owner.sql"
PACKAGE = PROJECT / "stack" / "services" / "n8n"
DATABASE = "n8n"
# As owner.sql has it.
OWNER_EMAIL = "owner@influencegen.example"
WEBHOOK = "/webhook/influencegen-image"
METRICS = "/webhook/influencegen-metrics"
# Redis ACL: no anonymous user; n8n may run all but administrative and dangerous commands, plus INFO, by which it checks
# that Redis is ready; the exporter may run PING and INFO.
REDIS_USERS = """user default off
user n8n on >{password} ~* &* +@all -@admin -@dangerous +info
user monitoring on >{monitoring} -@all +ping +info
"""
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


def provide() -> tuple[Path, Path]:
    """Return the paths of Node and of n8n, installed from npm by the pins of package-lock.json when first needed."""
    architecture = MACHINES.get(platform.machine())
    if not architecture:
        raise StackError(f"npm has no Node.js for {platform.machine()}: use N8N=stub, or Compose.")
    modules = npm.installed(PACKAGE, "n8n (2.8 GB; N8N=stub does without it)")
    return modules / f"node-linux-{architecture}" / "bin" / "node", modules / "n8n" / "bin" / "n8n"


def deploy(layout: Layout, processes: Processes) -> None:
    """Bring n8n's database, and the tables, credentials and workflows in it, up to date.

    n8n reads its workflows when it starts, so it is stopped if anything has changed. Raises StackError if a command
    fails, or a workflow is not published afterwards.
    """
    if not postgres.execute(layout, f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
        postgres.create_database(layout, DATABASE, postgres.N8N)
    record, wanted = layout.state / "n8n.deployed", _fingerprint(layout)
    if record.exists() and record.read_text() == wanted:
        return
    for name in processes.running():
        if name == "n8n" or name.startswith("n8n-worker"):
            processes.stop(name)
    record.unlink(missing_ok=True)
    provide()
    with step("n8n: database, credentials and workflows"):
        for script in SCRIPTS:
            query(layout, script.read_text())
        credentials = layout.state / "n8n-credentials.json"
        private.write(credentials, json.dumps(_credentials(layout)))
        _run(layout, "import:credentials", f"--input={credentials}")
        credentials.unlink()
        # until its first start, n8n 2 refuses to import over workflows that were active in n8n 1
        ours = f"id = ANY('{{{','.join(identities())}}}')"
        query(layout, f'UPDATE workflow_entity SET active = false, "activeVersionId" = NULL WHERE {ours}')
        _run(layout, "import:workflow", "--separate", f"--input={WORKFLOWS}")
        for identity in sorted(identities()):
            _run(layout, "publish:workflow", f"--id={identity}")
        if missing := identities() - _ids(layout, '"activeVersionId" = "versionId"'):
            raise StackError(
                f"n8n has not published {', '.join(sorted(missing))}.\n{tail(layout.logs / 'n8n-deploy.log')}"
            )
        query(layout, f"SET influencegen.owner = '{layout.secret('n8n-owner')}'; {OWNER.read_text()}")
    private.write(record, wanted)


def programs(layout: Layout, workers: int = 0) -> list[Program]:
    """Return how n8n is run: as one process, or in queue mode with that many workers behind Redis."""
    node, n8n = provide()
    variables = environment(layout, queue=workers > 0)
    main = Program("n8n", [node, n8n, "start"], variables, directory=layout.state)
    if not workers:
        return [main]
    command: list[str | Path] = [node, n8n, "worker", "--concurrency=10"]
    # the metrics of a worker's process would need a port of its own
    variables = {**variables, "N8N_METRICS": "false"}
    return [
        redis(layout),
        main,
        *(Program(f"n8n-worker-{number}", command, variables, directory=layout.state)
          for number in range(1, workers + 1)),
    ]  # fmt: skip


def identities() -> set[str]:
    """Return the ids of the project's workflows."""
    return {json.loads(path.read_text())["id"] for path in WORKFLOWS.glob("*.json")}


def answers(layout: Layout) -> bool:
    """Return whether the webhooks answer, and all workflows are published.

    One webhook refuses unsigned requests with 401, the other refuses requests without a token with 403. n8n publishes
    workflows some seconds after its start, so a webhook may answer before another workflow is published.
    """
    address = f"http://127.0.0.1:{layout.ports.n8n}"
    try:
        return (
            requests.post(f"{address}{WEBHOOK}", json={}, timeout=10).status_code == 401
            and requests.get(f"{address}{METRICS}", timeout=10).status_code == 403
            and identities() <= _ids(layout, "influencegen.published(id)")
        )
    except requests.RequestException:
        return False


def _run(layout: Layout, *arguments: str) -> None:
    """Run a command of n8n; StackError if it fails. Some commands exit with 0 although they did nothing."""
    run([*provide(), *arguments], log=layout.logs / "n8n-deploy.log", cwd=layout.state,
        env={**os.environ, **environment(layout)})  # fmt: skip


def _ids(layout: Layout, condition: str) -> set[str]:
    """Return the ids of the workflows in n8n's database for which a condition holds."""
    return {identity for (identity,) in query(layout, f"SELECT id FROM workflow_entity WHERE {condition}")}


def query(layout: Layout, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement in n8n's database and return its rows, if it has any."""
    return postgres.execute(layout, statement, database=DATABASE, role=postgres.N8N)


def idle(layout: Layout) -> bool:
    """Return whether the workflows have no image request in progress."""
    return query(layout, "SELECT count(*) FROM influencegen.request WHERE finished_at IS NULL") == [(0,)]


def limit(layout: Layout, **values: float) -> None:
    """Change limits of the workflows, by the columns of influencegen.limits; they hold from the next call on."""
    changes = ", ".join(f"{name} = {value}" for name, value in values.items())
    query(layout, f"UPDATE influencegen.limits SET {changes}")


def environment(layout: Layout, queue: bool = False) -> dict[str, str]:
    """Return n8n's own variables, and those that the workflows read."""
    ports = layout.ports
    variables = {
        "INFLUENCEGEN_WEBHOOK_SECRET": layout.secret("webhook"),
        "AI_SERVICE_URL": f"http://127.0.0.1:{ports.ai}",
        "OTEL_EXPORTER_OTLP_ENDPOINT": os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        # n8n's own OpenTelemetry, if it is switched on, would replace the trace of the image
        "N8N_OTEL_TRACES_INJECT_OUTBOUND": "false",
        # otherwise pages of any origin may call its editor's API with the cookies of a logged-in user
        "NODE_ENV": "production",
        "N8N_USER_FOLDER": str(layout.state / "n8n"),
        "N8N_ENCRYPTION_KEY": layout.secret("n8n-encryption"),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_HOST": "127.0.0.1",
        "N8N_PORT": str(ports.n8n),
        "N8N_SECURE_COOKIE": "false",
        "N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS": "true",
        # the workflows have no Code nodes: no task runner connects to the broker, so any port will do
        "N8N_RUNNERS_MODE": "external",
        "N8N_RUNNERS_AUTH_TOKEN": layout.secret("n8n-runners"),
        "N8N_RUNNERS_BROKER_PORT": "0",
        "N8N_BLOCK_ENV_ACCESS_IN_NODE": "false",
        "N8N_LOG_FORMAT": "json",
        "N8N_METRICS": "true",
        "N8N_METRICS_INCLUDE_MESSAGE_EVENT_BUS_METRICS": "true",
        "N8N_METRICS_INCLUDE_WORKFLOW_NAME_LABEL": "true",
        "N8N_METRICS_INCLUDE_QUEUE_METRICS": str(queue).lower(),
        "N8N_DIAGNOSTICS_ENABLED": "false",
        "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
        "N8N_TEMPLATES_ENABLED": "false",
        "N8N_PERSONALIZATION_ENABLED": "false",
        "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
        "N8N_PUBLIC_API_DISABLED": "true",
        # these answer pages of any origin, or call n8n.io
        "N8N_DISABLED_MODULES": "agents,chat-hub,instance-ai,mcp,mcp-registry,oauth-server,workflow-builder",
        "N8N_SAMESITE_COOKIE": "strict",
        "DB_TYPE": "postgresdb",
        "DB_POSTGRESDB_HOST": "127.0.0.1",
        "DB_POSTGRESDB_PORT": str(ports.pg),
        "DB_POSTGRESDB_DATABASE": DATABASE,
        "DB_POSTGRESDB_USER": postgres.N8N,
        "DB_POSTGRESDB_PASSWORD": layout.secret(postgres.PASSWORDS[postgres.N8N]),
        "GENERIC_TIMEZONE": "UTC",
    }
    if queue:
        variables |= {
            "EXECUTIONS_MODE": "queue",
            "QUEUE_BULL_REDIS_HOST": "127.0.0.1",
            "QUEUE_BULL_REDIS_PORT": str(ports.redis),
            "QUEUE_BULL_REDIS_USERNAME": "n8n",
            "QUEUE_BULL_REDIS_PASSWORD": layout.secret("redis"),
            "OFFLOAD_MANUAL_EXECUTIONS_TO_WORKERS": "true",
        }
    return variables


def _credentials(layout: Layout) -> list[dict[str, Any]]:
    """Return the credentials that the workflows refer to, with the ids that they refer to."""
    state = {
        "host": "127.0.0.1",
        "port": layout.ports.pg,
        "database": DATABASE,
        "user": postgres.N8N,
        "password": layout.secret(postgres.PASSWORDS[postgres.N8N]),
        "ssl": "disable",
        "maxConnections": 20,
    }

    def header(secret: str) -> dict[str, str]:
        return {"name": "Authorization", "value": f"Bearer {layout.secret(secret)}"}

    return [
        {"id": identity, "name": f"InfluenceGen {name}", "type": kind, "data": data}
        for identity, name, kind, data in (
            ("influencegenState", "state", "postgres", state),
            ("influencegenScrapeToken", "scrape token", "httpHeaderAuth", header("scrape-token")),
            ("influencegenAiService", "AI service", "httpHeaderAuth", header("ai-service")),
        )
    ]


def _fingerprint(layout: Layout) -> str:
    # n8n keeps credentials encrypted
    digest = hashlib.sha256(json.dumps([_credentials(layout), layout.secret("n8n-encryption")]).encode())
    for path in (*sorted(WORKFLOWS.glob("*.json")), *SCRIPTS, OWNER, PACKAGE / "package-lock.json"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def redis(layout: Layout) -> Program:
    """Return how Redis is run: one on PATH, or else Debian's package with the libraries that come with it."""
    found: str | Path | None = shutil.which("redis-server") or shutil.which("valkey-server")
    variables = {}
    if not found:
        root = debian.unpacked_with_dependencies("redis-server")
        found = root / "usr" / "bin" / "redis-server"
        libraries = {str(path.parent) for path in root.glob("usr/lib/*/lib*.so*")}
        variables["LD_LIBRARY_PATH"] = ":".join(sorted(libraries))
    users = layout.state / "redis.acl"
    private.write(
        users, REDIS_USERS.format(password=layout.secret("redis"), monitoring=layout.secret("redis-monitoring"))
    )
    command = [found, "--bind", "127.0.0.1", "--port", str(layout.ports.redis), "--save", "", "--dir", layout.state,
               "--aclfile", users]  # fmt: skip
    return Program("redis", command, variables)
