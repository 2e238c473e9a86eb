"""A configuration that can't be used is refused with the name of what is wrong; what is due follows the records."""

from pathlib import Path

import pytest
import yaml

from exporters.backup import configuration
from exporters.backup.configuration import Backup, ConfigurationError
from exporters.backup.history import Record
from exporters.backup.kinds import DatabaseBackup
from exporters.backup.schedule import due

PLATFORM = {"every_seconds": 60, "keep": 2, "database": "odoo", "filestore": "/files"}
DAILY = Backup("platform", 86400, 7, DatabaseBackup("odoo"))
NOW = 1_800_000_000.0


def read(folder, **content):
    path = folder / "backup.yml"
    path.write_text(yaml.safe_dump({"folder": "/archives", "backups": {"platform": PLATFORM}} | content))
    return configuration.read(path)


def test_what_it_says(tmp_path):
    (tmp_path / "password").write_text("secret\n")
    read_in = read(tmp_path, environment={"PGPORT": 5433}, password_file=str(tmp_path / "password"))
    assert read_in.folder == Path("/archives")
    assert read_in.environment == {"PGPORT": "5433", "PGPASSWORD": "secret"}
    assert read_in.backups == {"platform": Backup("platform", 60, 2, DatabaseBackup("odoo", Path("/files")))}


def test_what_it_says_of_other_stores_and_a_template(tmp_path):
    read_in = read(tmp_path, backups={"platform": PLATFORM | {"elsewhere": ["s3"], "template": "extensions"}})
    source = DatabaseBackup("odoo", Path("/files"), elsewhere=("s3",), template="extensions")
    assert read_in.backups["platform"].source == source


@pytest.mark.parametrize("content, message", [
    ({"backups": {"payroll": PLATFORM}}, "there is no backup payroll; there are platform, n8n, monitoring"),
    ({"backups": {"platform": {"keep": 1}}}, "platform lacks every_seconds"),
    ({"backups": {"platform": PLATFORM | {"every_seconds": 0}}}, "platform has every_seconds: 0"),
    ({"backups": {"platform": PLATFORM | {"keep": "7"}}}, "platform has keep: 7"),
    ({"backups": {"platform": PLATFORM | {"bucket": "s3"}}}, "unexpected keyword argument 'bucket'"),
    ({"backups": {"platform": PLATFORM | {"elsewhere": "s3"}}}, "'s3' is not a list of names"),
    ({"backups": {"monitoring": {"every_seconds": 1, "keep": 1}}}, "'prometheus', 'data', and 'configuration'"),
    ({"backups": None}, "is not a valid configuration"),
    ({"password_file": "/absent"}, "No such file or directory: '/absent'"),
])  # fmt: skip
def test_what_is_refused(tmp_path, content, message):
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **content)
    assert message in str(caught.value)
    assert str(tmp_path / "backup.yml") in str(caught.value)


@pytest.mark.parametrize(
    "began, expected", [(0.0, True), (NOW, False), (NOW - 86399, False), (NOW - 86400, True), (NOW + 1, True)]
)
def test_what_is_due(began, expected):
    assert due(DAILY, Record(began=began), NOW) is expected
