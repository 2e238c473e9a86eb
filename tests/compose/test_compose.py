"""docker-compose.yml agrees with Compose's schema and with the project's files.

Containers are not run here: what is checked is the text, read by Compose itself.
"""

import configparser
import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from stack import layout
from stack.layout import ADDONS, Layout
from stack.ports import Ports
from stack.provide import debian
from stack.services import exporters, gpu, n8n, postgres, prometheus, proxy, victoria
from stack.services.odoo import DATABASE
from tests.compose.conftest import SECRETS_GID

ROOT = Path(__file__).parents[2]
PORTS = Ports()
LISTENS = {
    "odoo": {PORTS.odoo, PORTS.gevent},
    "proxy": {PORTS.odoo},
    "ai-service": {PORTS.ai},
    "kyc-provider": {PORTS.kyc},
    "n8n": {PORTS.n8n},
    "n8n-worker": {PORTS.n8n},
    "redis": {PORTS.redis},
    "alert-receiver": {PORTS.receiver, PORTS.smtp},
    "prometheus": {PORTS.prometheus},
    "prometheus-b": {PORTS.prometheus},
    "alertmanager": {PORTS.alertmanager, 9094},
    "alertmanager-b": {PORTS.alertmanager, 9094},
    "victoria-5m": {PORTS.victoria_5m},
    "victoria-1h": {PORTS.victoria_1h},
    "postgres": {5432},
    "grafana": {3000},
    "gpu-exporter": {PORTS.gpu},
    "backup": {PORTS.backup},
    "tempo": {3200, 4318},
    "loki": {3100},
    "alloy": {12345},
    "node-exporter": {PORTS.node},
    "process-exporter": {PORTS.process},
    "postgres-exporter": {PORTS.postgres_exporter},
    "slow-queries": {PORTS.slow_queries},
    "blackbox-exporter": {PORTS.blackbox},
    "redis-exporter": {9121},
}
ONE_SHOT = {"odoo-init", "n8n-database", "n8n-init", "n8n-owner", "n8n-published", "postgres-roles", "web-config"}
ON_DEMAND = {"restore"}
# The secrets of VictoriaMetrics, by how their names on one machine end.
KEY_FILES = {"": "password", "admin": "admin_key"}
DOCKER_SOCKET = "/var/run/docker.sock"
DOCKERFILES = sorted((ROOT / "deploy" / "compose").glob("*.Dockerfile"))


@pytest.fixture(scope="module")
def odoo_configuration():
    """The options of Odoo's configuration file."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "deploy" / "compose" / "odoo.conf")
    return parser["options"]


def configured(service, path, folder):
    """The text of a file of prometheus/ as the image of a service has it, edited by the commands that build it."""
    copy = folder / Path(path).name
    copy.write_text((ROOT / "prometheus" / path).read_text())
    inline = service["build"]["dockerfile_inline"].replace("\\\n", "").replace("$$", "$")
    for command in re.findall(r"^RUN (sed .+)", inline, re.MULTILINE):
        before = copy.read_text()
        subprocess.run(["sh", "-ec", re.sub(r"/etc/\S+\.yml", str(copy), command)], check=True)
        assert copy.read_text() != before
    return copy.read_text()


def files_of(service):
    return [mount for mount in service.get("volumes", []) if mount["type"] == "bind"]


def test_every_mounted_path_exists_and_is_read_only(services):
    mounts = [mount for service in services.values() for mount in files_of(service)]
    assert mounts
    for mount in mounts:
        assert Path(mount["source"]).exists() or mount["source"] == DOCKER_SOCKET, mount["source"]
        assert mount["read_only"]


def test_only_who_collects_logs_reaches_docker(services):
    assert [
        name for name, service in services.items() if DOCKER_SOCKET in {mount["source"] for mount in files_of(service)}
    ] == ["alloy"]


def test_every_volume_is_declared_and_used(compose, services):
    used = {
        mount["source"]
        for service in services.values()
        for mount in service.get("volumes", [])
        if mount["type"] == "volume"
    }
    assert used == compose["volumes"].keys()


def test_secrets_come_from_files_that_git_ignores(compose, services):
    used = {secret["source"] for service in services.values() for secret in service.get("secrets", [])}
    assert used == compose["secrets"].keys()
    for secret in compose["secrets"].values():
        assert Path(secret["file"]).parent == ROOT / "deploy" / "compose" / "secrets"
        ignored = subprocess.run(["git", "-C", ROOT, "check-ignore", "--quiet", "--no-index", secret["file"]])
        assert ignored.returncode == 0, f"{secret['file']} could be committed"


def test_the_way_to_make_the_secrets_names_them_all(compose):
    text = (ROOT / "docker-compose.yml").read_text()
    named = re.search(r"for name in (.+?); do", text, re.DOTALL)[1]
    assert set(re.findall(r"\w+", named)) == compose["secrets"].keys()


def test_no_secret_is_a_value_of_the_environment(services):
    for service in services.values():
        for variable in service.get("environment", {}):
            assert not re.search(r"(PASSWORD|SECRET|TOKEN|KEY)$", variable), variable


def test_every_secret_that_is_read_is_given(services):
    for name, service in services.items():
        text = json.dumps(service) + "".join(
            Path(mount["source"]).read_text() for mount in files_of(service) if mount["source"].endswith((".py", ".sh"))
        )
        read = set(re.findall(r'(?:/run/secrets/|SECRETS / \\?"|\$\(secret )(\w+)', text))
        assert read <= {secret["source"] for secret in service.get("secrets", [])}, name


def test_nothing_is_published_beyond_this_machine(services):
    for name, service in services.items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1"
            assert int(port["published"]) == port["target"]
            assert port["target"] in LISTENS[name]
        assert "network_mode" not in service or service["network_mode"] == "none", name


# Privileges that only these services have, and why.
CAPABILITIES = {
    "backup": ["DAC_OVERRIDE"],  # reads the files of Odoo and Prometheus, and deletes Prometheus' snapshots
    "restore": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],  # gives restored files to Odoo and Prometheus
    "process-exporter": ["DAC_READ_SEARCH"],  # counts the open files of other users' processes
}
WRITABLE = {"n8n-init"}  # records in its root that it has finished
OF_THE_HOST = {
    "node-exporter": "pid",  # the host is what it measures
    "process-exporter": "pid",
}
UNLABELLED = {"alloy", "node-exporter", "process-exporter"}  # read what must not be relabelled for SELinux


def test_every_service_is_confined(services):
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == CAPABILITIES.get(name, []), name
        labels = ["label=disable"] if name in UNLABELLED else []
        assert service["security_opt"] == ["no-new-privileges:true", *labels], name
        assert service.get("read_only", False) != (name in WRITABLE), name
        assert not service.get("privileged"), name
        for namespace in ("pid", "ipc", "uts", "userns_mode"):
            assert (namespace in service) == (OF_THE_HOST.get(name) == namespace), (name, namespace)


def test_selinux_lets_containers_read_the_project_s_files_and_relabels_nothing_else(services):
    for name, service in services.items():
        for mount in files_of(service):
            ours = Path(mount["source"]).is_relative_to(ROOT)
            assert mount["bind"].get("selinux") == ("z" if ours else None), mount["source"]
            assert ours or name in UNLABELLED


def test_every_service_has_limits_and_the_sum_is_documented(services):
    """The sum is that of what `docker compose up` leaves running: no one-shot services, and none with a profile."""
    gib, cpus = 0.0, 0.0
    for name, service in services.items():
        assert service["pids_limit"] == 500, name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name
        if name not in ONE_SHOT and "profiles" not in service:
            gib += int(service["mem_limit"]) / 2**30
            cpus += service["cpus"]
        assert int(service["mem_limit"]) >= 2**27 and service["cpus"] > 0, name
    assert f"{gib:g} GiB of memory and {cpus:g} CPUs" in (ROOT / "docs" / "demo.md").read_text()


def test_file_systems_that_are_mounted_later_are_seen_where_that_is_asked_for(services):
    """A propagation of rslave is refused where / is not a shared mount, as in a container or under WSL."""
    [host] = [mount for mount in files_of(services["node-exporter"]) if mount["source"] == "/"]
    assert host["bind"]["propagation"] == "rprivate"
    assert "${HOST_PROPAGATION:-rprivate}" in (ROOT / "docker-compose.yml").read_text()


def test_services_meet_on_networks_that_they_need(compose, services):
    """Each network connects who talks to each other; what holds data is on none that leads outside."""
    members = {
        network: {name for name, service in services.items() if network in service.get("networks", {})}
        for network in compose["networks"]
    }
    assert "default" not in members
    assert members["database"] == {
        "postgres",
        "postgres-roles",
        "postgres-exporter",
        "odoo",
        "odoo-init",
        "n8n",
        "n8n-worker",
        "n8n-init",
        "n8n-database",
        "n8n-owner",
        "n8n-published",
        "backup",
        "restore",
    }
    assert members["queue"] == {"redis", "n8n", "n8n-worker", "n8n-init", "redis-exporter"}
    assert members["logs"] == {"loki", "alloy", "grafana"}
    assert members["web"] == {"odoo", "proxy"}
    assert members["front"] == {name for name, service in services.items() if service.get("ports")} | {
        "prometheus-b",
        "alertmanager-b",
    }
    for name, network in compose["networks"].items():
        assert network.get("internal", False) == (name not in ("front", "platform")), name
    for name in ("postgres", "redis", "loki", "tempo", "slow-queries", "alert-receiver"):
        assert all(compose["networks"][network]["internal"] for network in services[name]["networks"]), name


def test_who_talks_to_each_other_meets(services, tmp_path):
    """Where a service's settings name another one, both are on a network."""
    for name, service in services.items():
        text = json.dumps({key: value for key, value in service.items() if key in ("environment", "command")})
        text += "".join(
            Path(mount["source"]).read_text()
            for mount in files_of(service)
            if mount["source"].endswith((".py", ".sh", "backup.yml", "datasources.yml", "config.alloy"))
        )
        named = re.findall(r"(?:://(?:\w+@)?|HOST(?:\": \"|=)|host\": \")([a-z][\w-]*)\b", text)
        # one-shot services share settings that they do not use
        for other in set(named) & services.keys() if name not in ONE_SHOT else ():
            assert service["networks"].keys() & services[other]["networks"].keys(), f"{name}, {other}"
    for source, folder in (("prometheus", "prometheus.yml"), ("alertmanager", "alertmanager/alertmanager.yml")):
        for other in set(re.findall(r"([a-z][\w-]+):\d+", configured(services[source], folder, tmp_path))):
            if other in services and not (source == "prometheus" and other in PROBED):
                assert services[source]["networks"].keys() & services[other]["networks"].keys(), f"{source}, {other}"
    for other in PROBED:
        assert services["blackbox-exporter"]["networks"].keys() & services[other]["networks"].keys(), other


PROBED = ("ai-service", "kyc-provider", "odoo", "n8n")


def test_secrets_are_for_their_owner_and_the_containers_alone(services):
    head = (ROOT / "docker-compose.yml").read_text().split("name: influencegen")[0]
    assert "umask 027" in head and "chmod 700 deploy/compose/secrets" in head
    for name, service in services.items():
        assert service["group_add"] == [SECRETS_GID], name


def test_no_service_that_keeps_running_has_the_superuser_s_password(services):
    assert {
        name
        for name, service in services.items()
        if "postgres_password" in {secret["source"] for secret in service.get("secrets", [])}
    } == {"postgres", "postgres-roles", "restore"}


def test_postgres_trusts_nobody(services):
    assert services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"] == "--auth=scram-sha-256"
    mounts = {mount["target"]: Path(mount["source"]) for mount in files_of(services["postgres"])}
    assert mounts["/etc/postgresql/pg_hba.conf"] == postgres.ACCESS
    assert "hba_file=/etc/postgresql/pg_hba.conf" in services["postgres"]["command"]
    methods = {line.split()[-1] for line in postgres.ACCESS.read_text().splitlines() if line[:4] in ("host", "loca")}
    assert methods == {"scram-sha-256", "reject"}
    mounts = {mount["target"]: Path(mount["source"]) for mount in files_of(services["postgres-roles"])}
    assert mounts["/srv/postgres_roles.sql"] == postgres.ROLES_SCRIPT


def test_redis_lets_in_n8n_alone_as_on_one_machine(services, tmp_path):
    (tmp_path / "redis_password").write_text("secret\n")
    (tmp_path / "redis_monitoring_password").write_text("other\n")
    (tmp_path / "redis-server").write_text("#!/bin/sh\n")
    (tmp_path / "redis-server").chmod(0o755)
    script = services["redis"]["command"][-1].replace("$$", "$").replace("/run/secrets", str(tmp_path))
    users = re.search(r"--aclfile (\S+)", script)[1]
    script = script.replace(users, str(tmp_path / "users"))
    subprocess.run(["sh", "-ec", script], check=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (tmp_path / "users").read_text() == n8n.REDIS_USERS.format(password="secret", monitoring="other")
    assert (tmp_path / "users").stat().st_mode & 0o077 == 0
    assert services["n8n"]["environment"]["QUEUE_BULL_REDIS_USERNAME"] == "n8n"


def test_what_runs_in_queue_mode_alone_is_scraped_there(services):
    """n8n as one process has neither workers nor Redis, so prometheus.yml, which every system uses, scrapes neither."""
    main = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    assert main["scrape_config_files"] == ["scrapes/*.yml"]
    assert "COPY scrapes /etc/prometheus/scrapes/" in services["prometheus"]["build"]["dockerfile_inline"]
    [path] = (ROOT / "prometheus" / "scrapes").glob("*.yml")
    jobs = {job["job_name"]: job for job in yaml.safe_load(path.read_text())["scrape_configs"]}
    assert jobs.keys() == {"n8n-worker", "redis"}
    assert jobs.keys().isdisjoint(job["job_name"] for job in main["scrape_configs"])
    [[target]] = [found["targets"] for found in jobs["redis"]["static_configs"]]
    [workers] = jobs["n8n-worker"]["dns_sd_configs"]
    for name, port in (target.split(":"), (*workers["names"], workers["port"])):
        assert int(port) in LISTENS[name]
        assert services["prometheus"]["networks"].keys() & services[name]["networks"].keys()


def test_odoo_has_a_master_password_of_its_own(services, tmp_path):
    (tmp_path / "odoo_master_password").write_text("secret\n")
    for name in ("odoo", "odoo-init"):
        script = services[name]["entrypoint"][2].replace("$$", "$").replace("/run/secrets", str(tmp_path))
        script = script.replace("/etc/odoo/odoo.conf", str(ROOT / "deploy" / "compose" / "odoo.conf"))
        written = tmp_path / name
        subprocess.run(["sh", "-ec", script, "odoo", "true"], check=True, env={**os.environ, "ODOO_RC": str(written)})
        parser = configparser.ConfigParser()
        parser.read(written)
        assert parser["options"]["admin_passwd"] == "secret"
        assert parser["options"]["list_db"] == "False"
        assert written.stat().st_mode & 0o077 == 0
        assert services[name]["environment"]["ODOO_RC"].startswith("/tmp/")


def test_images_are_pinned(services):
    images = [service["image"] for service in services.values() if "build" not in service]
    images += [
        line.split()[1] for path in DOCKERFILES for line in path.read_text().splitlines() if line.startswith("FROM")
    ]
    images += [
        line.split()[1]
        for service in services.values()
        for line in service.get("build", {}).get("dockerfile_inline", "").splitlines()
        if line.startswith("FROM")
    ]
    for image in images:
        assert re.search(r":v?\d+\.\d+", image), image


def test_python_packages_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {*project["dependencies"], *(pin for group in project["optional-dependencies"].values() for pin in group)}
    texts = [path.read_text() for path in (*DOCKERFILES, ROOT / "docker-compose.yml")]
    installed = [pin for text in texts for pin in re.findall(r"\w\S*==\S+", text)]
    assert installed
    assert set(installed) <= pins


def test_odoo_can_trace_and_write_json():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    installed = re.findall(r"\S+==\S+", (ROOT / "deploy" / "compose" / "odoo.Dockerfile").read_text())
    assert set(groups["tracing"]) <= set(installed)


def test_every_long_running_service_has_a_health_check(services):
    for name in services.keys() - ONE_SHOT - ON_DEMAND:
        test = " ".join(services[name]["healthcheck"]["test"])
        if name in ("postgres", "redis"):
            # not by the socket: while PostgreSQL's image initializes the cluster, a temporary server answers on it
            assert re.search(r"(-h |--host=)127\.0\.0\.1 ", test)
        else:
            assert int(re.search(r"127\.0\.0\.1[:/](\d+)", test)[1]) in LISTENS[name]


def test_the_check_of_the_backups_does_not_scrape(services):
    """The exporter waits for its first scrape, so that Prometheus sees the jobs' first increments."""
    assert "/metrics" not in services["backup"]["healthcheck"]["test"][-1]


def test_up_and_wait_ends(services):
    """What has ended is a failure for Compose, unless another service waits for its end."""
    awaited = {
        name
        for service in services.values()
        for name, wait in service.get("depends_on", {}).items()
        if wait["condition"] == "service_completed_successfully"
    }
    assert awaited == ONE_SHOT
    for name in ONE_SHOT:
        assert services[name]["restart"] == "no"
        assert "healthcheck" not in services[name] or services[name]["healthcheck"] == {"disable": True}


def test_what_a_service_waits_for_can_come_true(services):
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] == ("service_completed_successfully" if name in ONE_SHOT else "service_healthy"), (
                name
            )


@pytest.mark.parametrize(
    "name, module, port",
    [
        ("ai-service", "ai_service", PORTS.ai),
        ("kyc-provider", "kyc_provider", PORTS.kyc),
        ("alert-receiver", "alert_receiver", PORTS.receiver),
    ],
)
def test_simulators_listen_where_they_are_expected(services, name, module, port):
    command = " ".join(services[name]["command"])
    assert f"stack.simulators.{module} --host 0.0.0.0 --port {port}" in command
    assert (ROOT / "stack" / "simulators" / f"{module}.py").exists()


@pytest.mark.servers
def test_the_gpus_of_the_machine_take_the_place_of_the_simulator():
    def exporter(*files):
        options = [word for file in files for word in ("--file", ROOT / file)]
        command = [debian.program("docker-compose", "docker-compose"), *options, "config", "--format", "json"]
        result = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, "SECRETS_GID": SECRETS_GID}
        )
        return json.loads(result.stdout)["services"]["gpu-exporter"]

    simulated, gpus = exporter("docker-compose.yml"), exporter("docker-compose.yml", "deploy/compose/gpu.yml")
    assert "deploy" not in simulated
    assert (
        f"COPY --from=nvml /{gpu.LIBRARY} {simulated['environment']['LD_LIBRARY_PATH']}"
        in (ROOT / "deploy" / "compose" / "gpu_exporter.Dockerfile").read_text()
    )
    assert gpus["environment"]["LD_LIBRARY_PATH"] == ""
    [device] = gpus["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["count"]) == ("nvidia", -1)
    for service in (simulated, gpus):
        assert f"exporters.gpu_exporter --host 0.0.0.0 --port {PORTS.gpu}" in " ".join(service["command"])


def test_browsers_reach_odoo_by_the_proxy_alone(services, odoo_configuration):
    """The proxy forwards client addresses; Odoo trusts it because nothing else reaches Odoo from outside."""
    assert "ports" not in services["odoo"]
    assert [port["target"] for port in services["proxy"]["ports"]] == [PORTS.odoo]
    assert odoo_configuration["proxy_mode"] == "True"
    mounts = {mount["target"]: Path(mount["source"]) for mount in files_of(services["proxy"])}
    command = services["proxy"]["command"]
    assert mounts[command[command.index("-c") + 1]] == proxy.CONFIGURATION
    text = proxy.CONFIGURATION.read_text()
    assert {int(port) for port in re.findall(r" odoo:(\d+);", text)} == LISTENS["odoo"]
    assert f"listen {PORTS.odoo};" in text


def test_odoo_is_configured_as_on_one_machine(services, odoo_configuration):
    assert {int(odoo_configuration["http_port"]), int(odoo_configuration["gevent_port"])} == LISTENS["odoo"]
    assert odoo_configuration["workers"] == "4"
    assert odoo_configuration["db_name"] == DATABASE
    assert odoo_configuration["server_wide_modules"].split(",") == ["base", "web", *reversed(ADDONS[1:])]
    assert services["odoo"]["hostname"] == "odoo"
    targets = {mount["target"]: Path(mount["source"]) for mount in files_of(services["odoo"])}
    for addon in ADDONS:
        assert targets[f"{odoo_configuration['addons_path']}/{addon}"] == ROOT / addon


def test_postgres_takes_connections_and_writes_its_log_as_on_one_machine(services):
    given = dict(option.split("=") for option in services["postgres"]["command"] if option != "-c")
    settings = dict(re.findall(r"^(\w+) = '?(.+?)'?$", postgres.SETTINGS, re.MULTILINE))
    expected = {
        name: settings[name]
        for name in settings
        if name in ("max_connections", "lc_messages") or name.startswith("log") and name != "log_timezone"
    }
    assert given == {**expected, "log_directory": "/var/log/postgresql", "hba_file": "/etc/postgresql/pg_hba.conf"}


def test_the_exporter_of_slow_queries_reads_postgres_log_as_its_user(services):
    targets = {mount["source"]: mount for mount in services["slow-queries"]["volumes"]}
    [written] = [mount for mount in services["postgres"]["volumes"] if mount["source"] == "postgres-log"]
    read = targets["postgres-log"]
    assert read["read_only"] and read["target"] == written["target"]
    command = " ".join(services["slow-queries"]["command"])
    assert f"--logs {read['target']} " in command
    assert f"--state {targets['slow-queries-data']['target']}/" in command
    assert re.findall(r"--database (\w+)", command) == [DATABASE, n8n.DATABASE]
    # that of PostgreSQL's image; the folders belong to it before a volume takes their place
    assert services["slow-queries"]["user"] == "999:999"
    assert targets["slow-queries-data"]["target"] in services["slow-queries"]["build"]["dockerfile_inline"]
    assert written["target"] in services["postgres"]["build"]["dockerfile_inline"]


def test_exporters_are_run_as_on_one_machine(services, tmp_path):
    options = {option for program in exporters.programs(Layout(tmp_path, PORTS)) for option in program.command}
    assert set(services["process-exporter"]["command"]) - options == {
        "-config.path=/etc/process_exporter.yml",
        "--web.config.file=/etc/web/exporters.yml",
    }
    mounts = {mount["target"]: Path(mount["source"]) for mount in files_of(services["blackbox-exporter"])}
    [file] = re.findall(r"--config.file=(\S+)", " ".join(services["blackbox-exporter"]["command"]))
    assert mounts[file] == ROOT / "prometheus" / "blackbox.yml"


def test_addresses_name_services_and_their_ports(services):
    texts = [
        json.dumps(services),
        (ROOT / "grafana_dashboards" / "provisioning" / "datasources.yml").read_text(),
        *(
            path.read_text()
            for path in (ROOT / "deploy" / "compose").rglob("*")
            if path.is_file() and path.parent.name != "secrets"
        ),
    ]
    addresses = {
        (host, int(port)) for text in texts for host, port in re.findall(r"(?:http://|URI\": \")([\w.-]+):(\d+)", text)
    }
    assert ("prometheus", PORTS.prometheus) in addresses
    for host, port in addresses - {("127.0.0.1", port) for ports in LISTENS.values() for port in ports}:
        assert port in LISTENS[host]


@pytest.mark.parametrize(
    "service, path, key",
    [("prometheus", "prometheus.yml", "targets"), ("alertmanager", "alertmanager/alertmanager.yml", "url")],
)
def test_monitoring_reaches_other_services_by_their_names(services, service, path, key, tmp_path):
    inline = services[service]["build"]["dockerfile_inline"]
    text = configured(services[service], path, tmp_path)
    context = Path(services[service]["build"]["context"])
    for copied in re.findall(r"^COPY (?:--\S+ )?(\S+)", inline, re.MULTILINE):
        assert (context / copied).exists()
    yaml.safe_load(text)
    addresses = re.findall(r"(?:\[|http://|: )([\w.-]+):(\d+)", text)
    assert addresses
    for host, port in addresses:
        # Prometheus and Alertmanager scrape themselves on their own loopback
        assert int(port) in LISTENS[service if host == "127.0.0.1" else host]


def test_alertmanager_reaches_the_mail_server_and_finds_its_secrets_and_templates(services):
    inline = services["alertmanager"]["build"]["dockerfile_inline"]
    text = (ROOT / "prometheus" / "alertmanager" / "alertmanager.yml").read_text()
    [host, port] = re.search(rf"s/127.0.0.1:{PORTS.smtp}/([\w-]+):(\d+)/", inline).groups()
    assert f"smtp_smarthost: 127.0.0.1:{PORTS.smtp}" in text
    assert int(port) in LISTENS[host]
    assert services[host]["environment"]["SMTP_LISTEN"] == f"0.0.0.0:{port}"
    assert "COPY templates /etc/alertmanager/templates/" in inline
    assert {secret["target"] for secret in services["alertmanager"]["secrets"]} == set(
        re.findall(r"(?:credentials|routing_key)_file: (\S+)", text)
    )


def test_prometheus_finds_its_token(services):
    files = re.findall(r"_file: (\S+)", (ROOT / "prometheus" / "prometheus.yml").read_text())
    assert {secret["target"] for secret in services["prometheus"]["secrets"]} == {
        f"/etc/prometheus/{file}" for file in files
    }


def test_servers_of_the_monitoring_want_their_passwords(compose, services):
    written = dict(argument.split("=") for argument in services["web-config"]["command"] if "=" in argument)
    passwords = {name: layout.PASSWORDS[name] for name in layout.PASSWORDS if not name.startswith("victoria")}
    for server, secret in passwords.items():
        name = server.replace("_", "-")
        for service in (name, f"{name}-exporter", f"{name}-b"):
            if service in services:
                [file] = re.findall(r"--web.config.file=/etc/web/(\S+)", " ".join(services[service]["command"]))
                assert written[f"/srv/web/{file}"] == f"/run/secrets/{secret}_password"
                mounts = {mount["target"]: mount for mount in services[service]["volumes"]}
                assert mounts["/etc/web"]["source"] == "web-config" and mounts["/etc/web"]["read_only"]
                assert " 2>&1 | grep -q 401" in services[service]["healthcheck"]["test"][1]


@pytest.mark.parametrize(
    "command, group",
    [
        ("/usr/bin/python3 /usr/bin/odoo --db_host postgres --db_port 5432", "odoo"),
        ("/opt/odoo/venv/bin/python3 -u /opt/odoo/odoo-bin -c /etc/odoo.conf", "odoo"),
        ("node /usr/local/bin/n8n worker --concurrency=10", "n8n"),
        ("python -m stack.simulators.ai_service --host 0.0.0.0 --port 8090", "aiservice"),
        ("sh /entrypoint.sh odoo", None),
        ("tail -f /var/log/odoo/odoo.log", None),
        ("python -m stack.simulators.kyc_provider --host 0.0.0.0 --port 8091", None),
    ],
)
def test_processes_in_containers_belong_to_their_services(command, group):
    groups = yaml.safe_load((ROOT / "prometheus" / "process_exporter.yml").read_text())["process_names"]
    found = [each["name"] for each in groups if any(re.search(pattern, command) for pattern in each.get("cmdline", []))]
    assert found == ([group] if group else [])


def test_backups_are_of_what_the_other_services_have(services, odoo_configuration):
    settings = yaml.safe_load((ROOT / "deploy" / "compose" / "backup.yml").read_text())
    backups = settings["backups"]
    database = odoo_configuration["db_name"]
    assert backups["platform"]["database"] == database
    assert backups["platform"]["filestore"] == f"{odoo_configuration['data_dir']}/filestore/{database}"
    assert backups["n8n"]["database"] == services["n8n"]["environment"]["DB_POSTGRESDB_DATABASE"]
    assert backups["monitoring"]["data"] in " ".join(services["prometheus"]["command"])
    volumes = {mount["target"]: mount["source"] for mount in services["backup"]["volumes"]}
    for folder, service in ((odoo_configuration["data_dir"], "odoo"), (backups["monitoring"]["data"], "prometheus")):
        assert volumes[folder] in {mount["source"] for mount in services[service]["volumes"]}
    assert volumes[settings["folder"]] == "backups"
    assert "--web.enable-admin-api" in services["prometheus"]["command"]
    assert str(PORTS.backup) in services["backup"]["command"]


def test_backups_are_dumped_by_programs_of_the_server_s_version(services):
    [server] = re.findall(r"^FROM \S+$", services["postgres"]["build"]["dockerfile_inline"], re.MULTILINE)
    assert f"{server}\n" in (ROOT / "deploy" / "compose" / "backup.Dockerfile").read_text()


def test_tiers_are_kept_as_on_one_machine(services, tmp_path):
    for program in victoria.programs(Layout(tmp_path, PORTS)):
        service = services[program.name.replace("_", "-")]
        flags = [
            re.sub(
                r"file://.+/victoria-?(.*)", lambda match: f"file:///run/secrets/victoria_{KEY_FILES[match[1]]}", flag
            )
            for flag in program.command[1:]
            if not flag.startswith(("-httpListenAddr", "-storageDataPath"))
        ]
        assert set(flags) < set(service["command"])


def test_prometheus_keeps_raw_samples_as_long_as_on_one_machine(services, tmp_path):
    [program] = [program for program in prometheus.programs(Layout(tmp_path, PORTS)) if program.name == "prometheus"]
    [retention] = [flag for flag in program.command[1:] if "retention" in flag]
    assert retention in services["prometheus"]["command"]


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_one_of_a_pair_does_what_the_other_does(services, name):
    first, second = services[name], services[f"{name}-b"]
    assert second["profiles"] == ["ha"]
    assert second["image"] == first["image"]
    assert set(first["command"]) <= set(second["command"])
    written = [
        {mount["source"] for mount in service["volumes"] if not mount.get("read_only")} for service in (first, second)
    ]
    assert written[0].isdisjoint(written[1])


def test_two_prometheus_differ_by_their_name_alone(services):
    assert [services[name]["environment"] for name in ("prometheus", "prometheus-b")] == [
        {"REPLICA": "a"},
        {"REPLICA": "b"},
    ]
    configuration = (ROOT / "prometheus" / "prometheus.yml").read_text()
    assert yaml.safe_load(configuration)["global"]["external_labels"] == {"replica": "${REPLICA}"}


def test_prometheus_asks_for_all_alertmanagers(services, tmp_path):
    configuration = yaml.safe_load(configured(services["prometheus"], "prometheus.yml", tmp_path))
    [job] = [job for job in configuration["scrape_configs"] if job["job_name"] == "alertmanager"]
    for section in (job, *configuration["alerting"]["alertmanagers"]):
        [asked] = section["dns_sd_configs"]
        assert (asked["type"], asked["port"]) == ("A", PORTS.alertmanager)
        for name in ("alertmanager", "alertmanager-b"):
            assert asked["names"] == services[name]["networks"]["monitoring"]["aliases"]


def test_alertmanagers_find_each_other(services):
    [peer] = re.findall(r"--cluster\.peer=(\S+):(\d+)", " ".join(services["alertmanager-b"]["command"]))
    assert peer[0] == "alertmanager"
    assert f"--cluster.listen-address=0.0.0.0:{peer[1]}" in services["alertmanager"]["command"]
