"""What is backed up: each kind puts its parts into a new folder, and raises Failed unless they are good."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from exporters.backup import database, files, prometheus


@dataclass(frozen=True)
class DatabaseBackup:
    """A database, and Odoo's filestore with it if `filestore` names the folder."""

    database: str
    filestore: Path | None = None

    def make(self, archive: Path) -> None:
        """Write `database.dump` and `filestore/` into the folder, and check them.

        Odoo writes a file before the row that names it is committed, and once a day deletes those whose row is gone:
        what was there before the snapshot, and what has come until it, holds all that the snapshot names.
        """
        dump, filestore = archive / "database.dump", archive / "filestore"
        if self.filestore:
            files.add_new(self.filestore, filestore)
        with database.snapshot(self.database) as snapshot:
            if self.filestore:
                files.add_new(self.filestore, filestore)
            contents = snapshot.dump(dump)
        with database.restored(dump, self.database) as cursor:
            database.compare(contents, database.read_contents(cursor))
            if self.filestore:
                cursor.execute("SELECT DISTINCT store_fname, checksum FROM public.ir_attachment "
                               "WHERE store_fname IS NOT NULL")  # fmt: skip
                files.check_attachments(cursor.fetchall(), filestore)


@dataclass(frozen=True)
class MonitoringBackup:
    """The data of the Prometheus at `prometheus`, kept in the folder `data`, and a folder of configuration.

    A Prometheus that wants a credential has the user in its address, and the password in `prometheus_password_file`.
    """

    prometheus: str
    data: Path
    configuration: Path
    prometheus_password_file: Path | None = None

    def make(self, archive: Path) -> None:
        """Write `prometheus/` and `configuration/` into the folder, and check them."""
        password = self.prometheus_password_file
        credential = password and (urlsplit(self.prometheus).username, password.read_text().strip())
        prometheus.back_up(self.prometheus, self.data, archive / "prometheus", credential)
        files.add_new(self.configuration, archive / "configuration")
        files.compare(self.configuration, archive / "configuration")
