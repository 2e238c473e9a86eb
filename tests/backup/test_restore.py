"""The restore procedure of docs/backups.md, run as it stands there."""

import os
import re
import subprocess
import textwrap

import pytest

from stack import n8n, odoo, postgres
from stack.layout import PROJECT

from .exporter import Exporter

COPY = "backup_test_odoo"


def commands(part):
    """The commands of the procedure for one backup."""
    text = (PROJECT / "docs" / "backups.md").read_text()
    blocks = re.findall(rf"^ *```sh {part}\n(.+?)^ *```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    return "".join(map(textwrap.dedent, blocks))


@pytest.fixture
def restore(environment, layout):
    """Function restore(part, **variables): run the procedure for one backup as its owner, with these variables set."""
    owner = {"PGUSER": postgres.ODOO, "PGPASSWORD": layout.secret(postgres.PASSWORDS[postgres.ODOO])}

    def restore(part, **variables):
        variables = {name: str(value) for name, value in variables.items()}
        subprocess.run(["bash", "-e", "-u", "-c", commands(part)], check=True,
                       env={**os.environ, **environment, **owner, **variables})  # fmt: skip

    return restore


def test_odoo_runs_on_the_restored_platform(layout, environment, restore, new_database, tmp_path):
    """Odoo's own database is backed up; its copy under another name is damaged, restored over, and read by Odoo."""
    filestore = odoo.files(layout) / "filestore" / odoo.DATABASE
    platform = {"database": odoo.DATABASE, "filestore": str(filestore)}
    exporter = Exporter(tmp_path, {"platform": platform}, environment)
    good, said = exporter.run("platform")
    assert good, said
    [archive] = exporter.complete("platform")
    [(users, attachments)] = postgres.execute(
        layout, "SELECT (SELECT count(*) FROM res_users), (SELECT count(*) FROM ir_attachment WHERE store_fname <> '')",
        database=odoo.DATABASE)  # fmt: skip
    assert attachments > 10
    new_database(COPY)
    data = tmp_path / "odoo"
    (data / "filestore" / COPY).mkdir(parents=True)

    try:
        restore("platform", ARCHIVE=archive, DATABASE=COPY, DATA_DIR=data)
        source = odoo.choose()
        configuration = odoo.configure(layout, source, database=COPY, workers=0, data_dir=data)
        odoo.run_once(layout, source, configuration, "shell", script=f"""
assert env["res.users"].with_context(active_test=False).search_count([]) == {users}
stored = env["ir.attachment"].search([("store_fname", "!=", False), ("res_field", "in", (False, "any"))])
stored |= env["ir.attachment"].search([("store_fname", "!=", False), ("res_field", "!=", False)])
assert len(stored) == {attachments}, len(stored)
assert all(attachment.raw for attachment in stored if attachment.file_size)
""")
    finally:
        postgres.execute(layout, f'DROP DATABASE IF EXISTS "{COPY}.damaged" WITH (FORCE)')
    assert (data / "filestore" / f"{COPY}.damaged").exists()


def test_n8n_s_workflows_are_in_the_restored_database(layout, environment, restore, new_database, tmp_path):
    dsn = new_database("backup_test_n8n")
    for script in n8n.SCRIPTS:
        postgres.execute(layout, script.read_text(), database="backup_test_n8n")
    exporter = Exporter(tmp_path, {"n8n": {"database": "backup_test_n8n"}}, environment)
    good, said = exporter.run("n8n")
    assert good, said
    [archive] = exporter.complete("n8n")
    before = postgres.execute(layout, "SELECT * FROM influencegen.limits", database="backup_test_n8n")
    try:
        restore("n8n", ARCHIVE=archive, DATABASE=dsn["dbname"])
        assert postgres.execute(layout, "SELECT * FROM influencegen.limits", database="backup_test_n8n") == before
    finally:
        postgres.execute(layout, 'DROP DATABASE IF EXISTS "backup_test_n8n.damaged" WITH (FORCE)')


def test_the_data_of_prometheus_are_put_in_place(restore, tmp_path):
    (tmp_path / "archive" / "prometheus" / "block").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    restore("monitoring", ARCHIVE=tmp_path / "archive", DATA=tmp_path / "data")
    assert (tmp_path / "data" / "block").is_dir()
    assert (tmp_path / "data.damaged").is_dir()
