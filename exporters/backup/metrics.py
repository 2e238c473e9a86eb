"""What Prometheus scrapes: the records of all backups, read at each scrape."""

from collections.abc import Iterable, Iterator
from threading import Event

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from exporters.backup.configuration import Backup
from exporters.backup.history import JobHistory

COUNTERS = (
    ("backup_job_total", "Backup jobs finished.", "total"),
    ("backup_job_success_total", "Backup jobs finished with a verified backup.", "success"),
)
GAUGES = (
    ("backup_last_success_timestamp_seconds", "When the last verified backup was finished; 0 if there is none.",
     "last_success"),
    ("backup_job_duration_seconds", "Time that the last backup job took, good or not.", "duration"),
    ("backup_size_bytes", "Size of the last verified backup.", "size"),
    ("backup_attachments_elsewhere",
     "Attachments of the last verified backup that are in another store than the filestore.", "elsewhere"),
    ("backup_attachments_unlisted",
     "Attachments of the last verified backup that are in a store not listed under `elsewhere` in backup.yml.",
     "unlisted"),
    ("backup_scratch_databases", "Scratch databases that the last backup job could not drop.", "scratch"),
)  # fmt: skip
SCHEDULE = ("backup_schedule_seconds", "Time from the beginning of a backup job to that of the next.")


class Backups(Collector):
    """The series of all backups: from the start for counters, from the first result for durations and sizes.

    scraped: set once they have been scraped.
    """

    def __init__(self, backups: Iterable[Backup], history: JobHistory):
        self._backups = tuple(backups)
        self._history = history
        self.scraped = Event()

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families."""
        records = {backup.name: self._history.read(backup.name) for backup in self._backups}
        for kind, metrics in ((CounterMetricFamily, COUNTERS), (GaugeMetricFamily, GAUGES)):
            for series, text, field in metrics:
                family = kind(series, text, labels=["backup"])
                for name, record in records.items():
                    value = getattr(record, field)
                    if value is not None:
                        family.add_metric([name], value)
                yield family
        schedule = GaugeMetricFamily(*SCHEDULE, labels=["backup"])
        for backup in self._backups:
            schedule.add_metric([backup.name], backup.every_seconds)
        yield schedule
        self.scraped.set()
