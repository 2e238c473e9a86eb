"""The databases that are measured: their settings and their custom metrics, published for all workers."""

from .custom import Reading
from .directory import Directory
from .errors import Errors
from .settings import Settings


class Databases:
    """What the databases of an instance publish; no method raises."""

    def __init__(self, directory: Directory, errors: Errors) -> None:
        self._directory, self._errors = directory, errors

    def publish(self, database: str, settings: Settings) -> None:
        """Make the settings of ``database`` known to all workers."""
        try:
            self._directory.restore_if_lost()
            self._directory.settings.publish(database, settings)
            self._directory.retry()
        except OSError as exception:
            self._errors.count("settings", "the settings of %s can't be published: %s", database, exception)

    def withdraw(self, database: str) -> None:
        """Stop exporting ``database``."""
        try:
            self._directory.settings.withdraw(database)
            self._directory.custom.withdraw(database)
        except OSError as exception:
            self._errors.count(
                "settings", "the published settings and custom metrics of %s can't be deleted: %s", database, exception
            )

    def settings(self) -> dict[str, Settings]:
        """Return {database name: settings} of the databases that are exported."""
        published = self._directory.settings
        try:
            known = published.databases()
            return published.databases() if not known and self._directory.restore_if_lost() else known
        except OSError as exception:
            self._errors.count("settings", "the settings of the databases can't be read: %s", exception)
            return {}

    def publish_custom(self, database: str, reading: Reading) -> None:
        """Make what was read of the custom metrics of ``database`` known to all workers."""
        try:
            if database in self.settings():
                self._directory.custom.publish(database, reading)
        except OSError as exception:
            self._errors.count("custom_metric", "the custom metrics of %s can't be published: %s", database, exception)

    def custom(self, database: str) -> Reading:
        """Return what was last read of the custom metrics of ``database``; one without metrics if there is none."""
        try:
            return self._directory.custom.databases().get(database) or Reading()
        except OSError as exception:
            self._errors.count("custom_metric", "the custom metrics of %s can't be read: %s", database, exception)
            return Reading()
