import re
from pathlib import Path

import bcrypt
import yaml

from stack.layout import ACCOUNT, Layout
from stack.ports import Ports
from stack.services import prometheus
from stack.services.web_config import web_config

PORTS = Ports(odoo=18069, prometheus=19090)
SECRETS = {"token": Path("/state/token")}


def adapt(content):
    return prometheus.adapt(content, PORTS, Path("/project/prometheus"), SECRETS)


def test_ports_are_exchanged_wherever_they_stand():
    assert adapt({"static_configs": [{"targets": ["127.0.0.1:8069", "localhost:9090"]}]}) == {
        "static_configs": [{"targets": ["127.0.0.1:18069", "localhost:19090"]}]
    }
    assert adapt({"url": "http://127.0.0.1:8069/alerts"}) == {"url": "http://127.0.0.1:18069/alerts"}


def test_other_addresses_stay():
    content = {"targets": ["127.0.0.1:1", "odoo:8069", "10.127.0.0.1:8069x"], "scrape_interval": "10s", "n": 8069}
    assert adapt(content)["targets"][:2] == ["127.0.0.1:1", "odoo:8069"]
    assert adapt(content)["n"] == 8069


def test_paths_become_absolute():
    assert adapt({"rule_files": ["rules/*.yml"]}) == {"rule_files": ["/project/prometheus/rules/*.yml"]}


def test_the_token_is_read_from_the_state():
    assert adapt({"authorization": {"credentials_file": "token"}}) == {
        "authorization": {"credentials_file": "/state/token"}
    }


def test_each_server_reads_secrets_of_its_own(tmp_path):
    prometheus.configure(Layout(tmp_path, PORTS))
    keys = {
        name: set(re.findall(r"_file: (.+)", (tmp_path / f"{name}.yml").read_text()))
        for name in ("prometheus", "alertmanager")
    }
    assert keys == {
        name: {str(tmp_path / "secrets" / secret) for secret in secrets}
        for name, secrets in {
            "prometheus": ["scrape-token", "prometheus", "alertmanager", "victoria", "exporters"],
            "alertmanager": ["chat-token", "pager-key"],
        }.items()
    }
    assert all(Path(file).read_text() for files in keys.values() for file in files)


def test_a_web_configuration_lets_in_who_has_the_password_and_stays_while_that_does():
    written = web_config("secret")
    assert web_config("secret", written) == written
    other = web_config("another", written)
    assert other != written
    hashed = yaml.safe_load(other)["basic_auth_users"][ACCOUNT]
    assert bcrypt.checkpw(b"another", hashed.encode()) and not bcrypt.checkpw(b"secret", hashed.encode())


def test_a_program_that_reads_a_folder_is_made_to_read_its_working_directory(tmp_path):
    folder = Path("/usr/share/no-such-program")
    program = tmp_path / "usr" / "bin" / "no-such-program"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"before" + str(folder).encode() + b"/default.tmpl after")
    (tmp_path / "usr/share/no-such-program").mkdir(parents=True)
    (tmp_path / "usr/share/no-such-program/default.tmpl").touch()

    changed = prometheus.reading_from(folder, program).read_bytes()

    assert len(changed) == len(program.read_bytes())
    path = changed.removeprefix(b"before").removesuffix(b" after").decode()
    assert (prometheus.unpacked(folder, program) / path).exists()


def test_a_program_that_the_machine_installed_stays_as_it_is(tmp_path):
    assert prometheus.reading_from(tmp_path, Path("/usr/bin/true")) == Path("/usr/bin/true")
