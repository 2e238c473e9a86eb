"""What is backed up: each kind puts its parts into a new folder, and raises BackupError unless they are good."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from exporters.backup import attachments, database, files, prometheus


@dataclass(frozen=True)
class DatabaseBackup:
    """A database, and Odoo's filestore with it if `filestore` names the folder.

    `elsewhere` lists the stores of attachments that are backed up by other means. `template` is a database that scratch
    databases are made from, if not template0.
    """

    database: str
    filestore: Path | None = None
    elsewhere: tuple[str, ...] = ()
    template: str | None = None

    def make(self, archive: Path) -> attachments.Elsewhere | None:
        """Write the database, its restore script and `filestore/` into the folder, and check them.

        Return how many attachments are in other stores, if there is a filestore. Odoo writes a file before it commits
        the row that names it, and once a day deletes the files whose row is gone. So the copy made before the snapshot
        and the second pass after it together hold every file that the snapshot references.
        """
        # what a job that was killed left behind takes the space that this one needs
        self.clear()
        filestore = archive / "filestore"
        if self.filestore:
            files.add_new(self.filestore, filestore)
        with database.snapshot(self.database, self.template) as snapshot:
            if self.filestore:
                files.add_new(self.filestore, filestore)
            state = snapshot.dump(archive)
        with database.restored(archive, self.database, self.template) as cursor:
            database.compare(state, database.read_state(cursor))
            return attachments.check(cursor, filestore, self.elsewhere) if self.filestore else None

    def clear(self) -> list[str]:
        """Drop the scratch databases of this and earlier jobs; return why some can't be dropped."""
        return database.drop_scratch_databases(self.database)


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
        credential = None
        if self.prometheus_password_file:
            password = self.prometheus_password_file.read_text().strip()
            credential = (urlsplit(self.prometheus).username or "", password)
        prometheus.back_up(self.prometheus, self.data, archive / "prometheus", credential)
        files.add_new(self.configuration, archive / "configuration")
        files.compare(self.configuration, archive / "configuration")

    def clear(self) -> None:
        """Do nothing: no database is restored."""
