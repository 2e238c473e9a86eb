"""n8n in Compose is the n8n that is run on one machine, in queue mode."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from stack.console import StackError
from stack.layout import Layout
from stack.ports import Ports
from stack.services import n8n

ROOT = Path(__file__).parents[2]
PROCESSES = ("n8n", "n8n-worker")
# What differs because a container is another place.
PLACES = {
    "AI_SERVICE_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "N8N_HOST",
    "N8N_PORT",
    "N8N_LISTEN_ADDRESS",
    "DB_POSTGRESDB_HOST",
    "DB_POSTGRESDB_PORT",
    "QUEUE_BULL_REDIS_HOST",
    "QUEUE_BULL_REDIS_PORT",
}
SECRETS = {
    "N8N_ENCRYPTION_KEY": "n8n_encryption_key",
    "DB_POSTGRESDB_PASSWORD": "n8n_db_password",
    "QUEUE_BULL_REDIS_PASSWORD": "redis_password",
}

# An n8n that notes what it is asked for, and publishes and lists as the real one does.
PUBLISHING = """echo $* >> $LOG
[ "$1" != list:workflow ] || sed -n 's/^publish:workflow --id=//p' $LOG"""
EXPORTED = {
    "INFLUENCEGEN_WEBHOOK_SECRET": "/run/secrets/webhook_secret",
    # nobody has to know it
    "N8N_RUNNERS_AUTH_TOKEN": "/proc/sys/kernel/random/uuid",
}


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "state", Ports())


@pytest.fixture
def run_script(tmp_path):
    """Function that runs a script of deploy/compose/ with stubs of programs; gives the log that they write to $LOG."""
    programs, secrets, log = tmp_path / "bin", tmp_path / "secrets", tmp_path / "log"
    programs.mkdir()
    secrets.mkdir()
    for name in ("n8n_db_password", "n8n_owner_password", "scrape_token", "ai_service_token"):
        (secrets / name).write_text(f"{name} & /|\n")

    def run_script(name, **fakes):
        for program, text in fakes.items():
            (programs / program).write_text(f"#!/bin/sh\n{text}\n")
            (programs / program).chmod(0o755)
        log.write_text("")
        script = (ROOT / "deploy" / "compose" / name).read_text().replace("/run/secrets", str(secrets))
        script = script.replace("/srv/workflows/*", f"{n8n.WORKFLOWS}/*")
        subprocess.run(
            ["sh", "-c", script],
            check=True,
            env={"HOME": str(tmp_path), "PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(log)},
        )
        return log.read_text().splitlines()

    return run_script


@pytest.fixture
def deploy(layout, monkeypatch):
    """Function that deploys n8n on one machine, with an n8n that publishes some workflows.

    It returns the arguments that n8n is run with, and the credentials it is given.
    """
    runs, credentials = [], []

    def run(command, **kwargs):
        runs.append([str(argument) for argument in command[2:]])
        if "import:credentials" in command:
            credentials.extend(json.loads(Path(command[-1].removeprefix("--input=")).read_text()))

    class Processes:
        def running(self):
            return set()

    def deploy(published):
        rows = [(identity,) for identity in published]
        monkeypatch.setattr(n8n.postgres, "execute", lambda *_arguments, **_options: rows)
        n8n.deploy(layout, Processes())
        return runs, credentials

    layout.state.mkdir()
    monkeypatch.setattr(n8n, "run", run)
    monkeypatch.setattr(n8n, "provide", lambda: ("node", "n8n"))
    return deploy


def without_paths(arguments):
    """The arguments of n8n, less where the input lies."""
    return [argument for argument in arguments if not argument.startswith("--input=")]


def seconds(duration):
    """The seconds of a duration such as 2m0s."""
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(\d+)s", duration).groups()
    return 60 * int(minutes or 0) + int(rest)


@pytest.mark.parametrize("name", [*PROCESSES, "n8n-init"])
def test_its_version_is_that_of_npm(services, name):
    version = json.loads((n8n.PACKAGE / "package.json").read_text())["dependencies"]["n8n"]
    assert f"FROM n8nio/n8n:{version}\n" in services[name]["build"]["dockerfile_inline"]
    assert services[name]["image"].endswith(f":{version}")


@pytest.mark.parametrize("name", PROCESSES)
def test_its_environment_is_the_same_but_for_places_and_secrets(services, layout, name):
    given = services[name]["environment"]
    expected = n8n.environment(layout, queue=True)
    # the image has its own
    del expected["N8N_USER_FOLDER"]
    for variable, value in expected.items():
        if variable in EXPORTED:
            assert f"export {variable}=$$(cat {EXPORTED[variable]})" in " ".join(services[name]["entrypoint"])
        elif variable in SECRETS:
            assert given[f"{variable}_FILE"] == f"/run/secrets/{SECRETS[variable]}"
        else:
            assert given[variable] == value or variable in PLACES, variable
    assert {*SECRETS.values(), "webhook_secret"} <= {secret["source"] for secret in services[name]["secrets"]}


def test_it_is_one_main_process_and_any_number_of_workers(services, layout, monkeypatch):
    monkeypatch.setattr(n8n, "provide", lambda: ("node", "n8n"))
    monkeypatch.setattr(n8n, "redis", lambda layout: None)
    _, main, worker = n8n.programs(layout, workers=1)
    assert services["n8n"]["command"] == main.command[2:]
    assert services["n8n-worker"]["command"] == worker.command[2:]
    assert "deploy" not in services["n8n"]
    # either would let Compose run one only
    assert not {"ports", "container_name"} & services["n8n-worker"].keys()


@pytest.mark.parametrize("name", PROCESSES)
def test_an_execution_in_progress_may_end(services, name):
    timeout = int(services[name]["environment"]["N8N_GRACEFUL_SHUTDOWN_TIMEOUT"])
    assert 60 < timeout < seconds(services[name]["stop_grace_period"])


@pytest.mark.parametrize("answer, healthy", [("403 Forbidden", True), ("404 Not Found", False), ("", False)])
def test_it_is_healthy_once_its_webhooks_are_there(services, tmp_path, answer, healthy):
    (tmp_path / "wget").write_text(f"#!/bin/sh\necho 'server returned error: HTTP/1.1 {answer}' >&2\nexit 1\n")
    (tmp_path / "wget").chmod(0o755)
    kind, check = services["n8n"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    result = subprocess.run(["sh", "-c", check], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (result.returncode == 0) == healthy
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    [path] = [job["metrics_path"] for job in jobs if job["job_name"] == "influencegen-n8n"]
    assert f":5678{path} " in check


@pytest.mark.parametrize("name", PROCESSES)
def test_it_starts_once_its_database_is_filled_and_again_when_that_is_done_again(services, name):
    assert "n8n-database" in services["n8n-init"]["depends_on"]
    assert services[name]["depends_on"]["n8n-init"] == {
        "condition": "service_completed_successfully",
        "restart": True,
        "required": True,
    }
    assert name in {*services["odoo"]["depends_on"], *services["n8n-published"]["depends_on"]}


def test_the_database_gets_the_same_scripts(services, run_script):
    ours = "psql --dbname=n8n --quiet --set=ON_ERROR_STOP=1 --file=/srv/schema.sql --file=/srv/metrics.sql"
    assert run_script("n8n_database.sh", psql="echo psql $* >> $LOG") == [ours]
    mounts = {mount["target"]: Path(mount["source"]) for mount in services["n8n-database"]["volumes"]}
    assert [mounts[file] for file in re.findall(r"--file=(\S+)", ours)] == list(n8n.SCRIPTS)


def test_its_owner_is_made_as_on_one_machine_before_it_listens(services, run_script):
    log = run_script("n8n_owner.sh", psql="echo psql $* >> $LOG; cat >> $LOG")
    assert log[0].endswith("--set=owner=n8n_owner_password & /|")
    assert "\\i /srv/owner.sql" in log
    mounts = {mount["target"]: Path(mount["source"]) for mount in services["n8n-owner"]["volumes"]}
    assert mounts["/srv/owner.sql"] == n8n.OWNER
    for name in PROCESSES:
        assert services[name]["depends_on"]["n8n-owner"]["condition"] == "service_completed_successfully"


def test_credentials_and_workflows_are_brought_in_as_on_one_machine(services, run_script, deploy, tmp_path, layout):
    runs, credentials = deploy(n8n.identities())
    keep = f'[ "$1" != import:credentials ] || cp -p "${{2#--input=}}" {tmp_path}/given; {PUBLISHING}'
    log = [line.split() for line in run_script("n8n_init.sh", n8n=keep)]
    *log, listed = log
    assert [without_paths(arguments) for arguments in log] == [without_paths(arguments) for arguments in runs]
    assert listed == ["list:workflow", "--active=true", "--onlyId"]
    build = services["n8n-init"]["build"]
    assert Path(build["context"]) == n8n.WORKFLOWS
    [folder] = re.findall(r"COPY \*\.json (\S+)/", build["dockerfile_inline"])
    assert f"--input={folder}" in log[1]

    text = json.dumps(credentials)
    for name, secret in (
        ("postgres-n8n", "n8n_db_password"),
        ("scrape-token", "scrape_token"),
        ("ai-service", "ai_service_token"),
    ):
        text = text.replace(layout.secret(name), f"{secret} & /|")
    expected = json.loads(text)
    expected[0]["data"] |= {"host": "postgres", "port": 5432}
    given = tmp_path / "given"
    assert json.loads(given.read_text()) == expected
    assert not given.stat().st_mode & 0o077, "others could read the secrets"
    assert not list(tmp_path.glob("*credentials*")), "secrets are left on disk"


def test_they_are_brought_in_once_and_again_only_if_that_failed(run_script):
    with pytest.raises(subprocess.CalledProcessError):
        run_script("n8n_init.sh", n8n='[ "$1" != publish:workflow ]')
    assert run_script("n8n_init.sh", n8n=PUBLISHING)
    assert run_script("n8n_init.sh", n8n=PUBLISHING) == []


def test_a_workflow_that_n8n_did_not_publish_is_an_error(run_script, layout, deploy):
    """n8n 2, for example, exits with 0 after it has refused ``update:workflow --all``."""
    with pytest.raises(subprocess.CalledProcessError):
        run_script("n8n_init.sh", n8n=f'[ "$2" = --id=igErrors ] || {{ {PUBLISHING}; }}')
    with pytest.raises(StackError, match="not published igErrors"):
        deploy(n8n.identities() - {"igErrors"})
    assert not (layout.state / "n8n.deployed").exists()


def test_odoo_waits_until_all_workflows_are_published(services, run_script):
    counts = 'tail -n 1 $LOG | grep -q 2 && echo 0 || echo 2; echo "psql $* 2" >> $LOG'
    asked = run_script("n8n_published.sh", psql=counts)
    assert len(asked) == 2 and "NOT influencegen.published(id)" in asked[0]
    assert services["n8n-published"]["depends_on"]["n8n"]["condition"] == "service_healthy"
    assert "n8n-published" in services["odoo"]["depends_on"]
