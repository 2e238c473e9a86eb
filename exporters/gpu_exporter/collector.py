"""The series: each GPU's measurements at the moment of the scrape, and none of a GPU that does not answer."""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Set

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .reader import MEASUREMENTS, Gpu, Reading
from .source import Source

PROCESS_NAMES = 20
"""How many programs get a value of the label `process`, first come, first served; the others are `other`."""

NO_GPU = ("", "")
"""What stands for (index, uuid) until a GPU is seen."""

log = logging.getLogger(__name__)


class GpuCollector(Collector):
    """Reads the GPUs at every scrape, and remembers which there were: one that is gone is down, not forgotten."""

    def __init__(self, source: Source):
        self._source = source
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}
        self._watched: set[str] = set()
        self._xids: Counter[str] = Counter()
        self._process_names: set[str] = set()
        self._capped = 0
        self._said: dict[tuple[str, str], str] = {}

    def collect(self) -> Iterable[Metric]:
        """Return the series as they are now."""
        with self._lock:
            reading = self._source.read()
            answering = {gpu.uuid: gpu for gpu in reading.gpus if not gpu.trouble}
            self._remember(reading)
            down = self._down(reading, answering.keys())
            self._say(answering.values(), down)
            if down or not reading.watching:
                self._source.renew()
            return [
                self._up(answering.values(), down),
                *self._measurements(reading, answering.values()),
                *self._counts(),
            ]

    def _remember(self, reading: Reading) -> None:
        self._known |= {gpu.uuid: gpu.index for gpu in reading.gpus if gpu.uuid}
        self._watched |= {gpu.uuid for gpu in reading.gpus if gpu.watched}
        for uuid, code in reading.xids:
            self._xids[uuid] += 1
            log.error("GPU %s (%s) reports XID error %d", self._known.get(uuid, "?"), uuid, code)

    def _down(self, reading: Reading, answering: Set[str]) -> dict[tuple[str, str], str]:
        """Return (index, uuid) of each GPU that does not answer, and why."""
        troubles = {gpu.index: gpu.trouble for gpu in reading.gpus if gpu.trouble}
        down = {
            (str(index), uuid): troubles.pop(index, reading.trouble or "NVML no longer sees it")
            for uuid, index in self._known.items()
            if uuid not in answering
        }
        down |= {(str(index), ""): trouble for index, trouble in troubles.items()}
        return down or ({} if answering else {NO_GPU: reading.trouble})

    def _say(self, answering: Iterable[Gpu], down: dict[tuple[str, str], str]) -> None:
        """Log what changed since the last scrape."""
        said = {
            (str(gpu.index), gpu.uuid): f"GPU {gpu.index} ({gpu.uuid}) is {gpu.name}, and responds" for gpu in answering
        }
        for (index, uuid), trouble in down.items():
            said[index, uuid] = f"GPU {index} ({uuid}) can't be read: {trouble}; gpu_up is 0"
        if NO_GPU in down:
            said[NO_GPU] = (
                f"no GPU can be read: {down[NO_GPU]}; gpu_up is 0. If NVIDIA's driver is missing, install and "
                "load it: no restart is needed"
            )
        for gpu, text in said.items():
            if self._said.get(gpu) != text:
                log.log(logging.ERROR if gpu in down else logging.INFO, text)
        self._said = said

    def _up(self, answering: Iterable[Gpu], down: dict[tuple[str, str], str]) -> Metric:
        up = GaugeMetricFamily("gpu_up", "Whether the GPU answers; without labels until a GPU is seen.")
        for gpu in answering:
            up.add_sample(up.name, {"gpu": str(gpu.index), "uuid": gpu.uuid}, 1)
        for index, uuid in down:
            labels = {"gpu": index, "uuid": uuid}
            up.add_sample(up.name, {name: value for name, value in labels.items() if value}, 0)
        return up

    def _measurements(self, reading: Reading, answering: Iterable[Gpu]) -> Iterable[Metric]:
        info = GaugeMetricFamily(
            "gpu_info",
            "Name of the GPU and version of its driver; always 1.",
            labels=("gpu", "uuid", "name", "driver_version"),
        )
        measurements = {
            measurement.name: GaugeMetricFamily(measurement.name, measurement.help, labels=("gpu", "uuid"))
            for measurement in MEASUREMENTS
        }
        ecc_errors = CounterMetricFamily(
            "gpu_ecc_errors", "ECC errors since the driver was loaded.", labels=("gpu", "uuid", "error_type")
        )
        processes = GaugeMetricFamily(
            "gpu_process_memory_used_bytes",
            "Memory that the processes of a program hold.",
            labels=("gpu", "uuid", "process"),
        )
        for gpu in answering:
            labels = (str(gpu.index), gpu.uuid)
            info.add_metric((*labels, gpu.name, reading.driver), 1)
            for name, value in gpu.measurements.items():
                measurements[name].add_metric(labels, value)
            for error_type, count in gpu.ecc_errors.items():
                ecc_errors.add_metric((*labels, error_type), count)
            for name, size in self._bounded(gpu.processes).items():
                processes.add_metric((*labels, name), size)
        return [info, *measurements.values(), ecc_errors, processes]

    def _counts(self) -> Iterable[Metric]:
        """Return the counters of the exporter itself, which are exported whether or not the GPU answers."""
        xids = CounterMetricFamily(
            "gpu_xid_errors", "XID errors that the driver reported; their codes are in the log.", labels=("gpu", "uuid")
        )
        for uuid in sorted(self._watched):
            xids.add_metric((str(self._known[uuid]), uuid), self._xids[uuid])
        capped = CounterMetricFamily(
            "odoo_telemetry_labels_folded", "Label values replaced by 'other'.", labels=("label",)
        )
        capped.add_metric(("process",), self._capped)
        return [xids, capped]

    def _bounded(self, processes: dict[str, int]) -> Counter[str]:
        """Return bytes by program, with those past the limit as `other`; the largest are admitted first."""
        bounded: Counter[str] = Counter()
        for name, size in sorted(processes.items(), key=lambda item: item[1], reverse=True):
            if len(self._process_names) < PROCESS_NAMES:
                self._process_names.add(name)
            if name not in self._process_names:
                self._capped += 1
                name = "other"
            bounded[name] += size
        return bounded
