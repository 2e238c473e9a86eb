"""Reads the GPUs through NVML, in a process of its own: NVML can hang, crash, or be replaced by a newer driver's.

What a card, a driver or a user's rights do not offer is left out. Any other error means that the GPU can't be relied
on: then it has no measurements at all.
"""

import ctypes
import os.path
import queue
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import pynvml as nvml

NOT_OFFERED = (
    nvml.NVMLError_NotSupported,
    nvml.NVMLError_NoPermission,
    nvml.NVMLError_FunctionNotFound,
    nvml.NVMLError_NoData,
    # pynvml's own, for a function that an old driver has in an older form
    nvml.NVMLLibraryMismatchError,
)
ECC_ERRORS = {
    "corrected": nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED,
    "uncorrected": nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
}
EVENT_WAIT_MILLISECONDS = 1000


@dataclass(frozen=True)
class Measurement:
    """A gauge of each GPU: the name and help of its series, and how it is read from a handle, in the series' unit."""

    name: str
    help: str
    read: Callable[[Any], float]


# nvmlDeviceGetTemperature is deprecated, but its successor is missing in drivers before 570
MEASUREMENTS = (
    Measurement("gpu_utilization_percent",
           "Share of the last sample period (up to 1 s) in which a kernel ran on the GPU.",
           lambda gpu: nvml.nvmlDeviceGetUtilizationRates(gpu).gpu),
    Measurement("gpu_memory_used_bytes", "Memory that is not free; what the driver reserves is in it.",
           lambda gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).used),
    Measurement("gpu_memory_total_bytes", "Memory of the GPU.", lambda gpu: nvml.nvmlDeviceGetMemoryInfo(gpu).total),
    Measurement("gpu_temperature_celsius", "Temperature of the GPU's die.",
           lambda gpu: nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU)),
    Measurement("gpu_power_watts", "Power that the card draws.", lambda gpu: nvml.nvmlDeviceGetPowerUsage(gpu) / 1000),
)  # fmt: skip


@dataclass
class Gpu:
    """One GPU as it was read. `trouble` says why it has no measurements; `uuid` is empty if reading it failed too.

    measurements: values by the name of the series. ecc_errors: since the driver was loaded, by type. processes: bytes
    by the name of the program. watched: whether NVML reports its XID errors.
    """

    index: int
    uuid: str = ""
    name: str = ""
    trouble: str = ""
    measurements: dict[str, float] = field(default_factory=dict)
    ecc_errors: dict[str, int] = field(default_factory=dict)
    processes: dict[str, int] = field(default_factory=dict)
    watched: bool = False


@dataclass
class Reading:
    """All GPUs, and the XID errors (uuid, code) since the reading before; or in `trouble` why there are no GPUs."""

    trouble: str = ""
    driver: str = ""
    gpus: list[Gpu] = field(default_factory=list)
    xids: list[tuple[str, int]] = field(default_factory=list)
    watching: bool = True


class XidWatch:
    """Collects the XID errors of all GPUs that NVML reports them for, from now on."""

    def __init__(self) -> None:
        self.uuids: dict[int, str] = {}
        self._seen: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()
        self._events = _if_offered(nvml.nvmlEventSetCreate)
        for index in range(nvml.nvmlDeviceGetCount() if self._events else 0):
            try:
                gpu = nvml.nvmlDeviceGetHandleByIndex(index)
                uuid = nvml.nvmlDeviceGetUUID(gpu)
                nvml.nvmlDeviceRegisterEvents(gpu, nvml.nvmlEventTypeXidCriticalError, self._events)
                self.uuids[_address(gpu)] = uuid
            except nvml.NVMLError:
                continue
        self._thread = threading.Thread(target=self._wait, daemon=True)
        if self.uuids:
            self._thread.start()

    @property
    def working(self) -> bool:
        """Whether every GPU that can be watched is being watched."""
        return not self.uuids or self._thread.is_alive()

    def take(self) -> list[tuple[str, int]]:
        """Return (uuid, code) of each error since the last call."""
        return [self._seen.get() for _ in range(self._seen.qsize())]

    def _wait(self) -> None:
        while True:
            try:
                event = nvml.nvmlEventSetWait(self._events, EVENT_WAIT_MILLISECONDS)
            except nvml.NVMLError_Timeout:
                continue
            except nvml.NVMLError:
                return
            # a lost GPU no longer reports its UUID
            self._seen.put((self.uuids[_address(event.device)], event.eventData))


def serve(pipe: Connection) -> None:
    """Initialize NVML and send None, then a Reading for every message; if that fails, a Reading with the trouble."""
    # Ctrl-C is for the exporter, whose end closes the pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        nvml.nvmlInit()
        watch = XidWatch()
    except nvml.NVMLError as error:
        pipe.send(Reading(trouble=str(error)))
        return
    pipe.send(None)
    while True:
        try:
            pipe.recv()
        except EOFError:
            return
        pipe.send(_read(watch))


def _read(watch: XidWatch) -> Reading:
    reading = Reading(xids=watch.take(), watching=watch.working)
    try:
        reading.driver = nvml.nvmlSystemGetDriverVersion()
        count = nvml.nvmlDeviceGetCount()
    except nvml.NVMLError as error:
        reading.trouble = str(error)
        return reading
    if not count:
        reading.trouble = "NVML sees no GPU"
    reading.gpus = [_gpu(index, set(watch.uuids.values())) for index in range(count)]
    return reading


def _gpu(index: int, watched: set[str]) -> Gpu:
    gpu = Gpu(index)
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        gpu.uuid = nvml.nvmlDeviceGetUUID(handle)
        gpu.watched = gpu.uuid in watched
        gpu.name = nvml.nvmlDeviceGetName(handle)
        measurements = {measurement.name: _if_offered(measurement.read, handle) for measurement in MEASUREMENTS}
        ecc_errors = {
            name: _if_offered(nvml.nvmlDeviceGetTotalEccErrors, handle, kind, nvml.NVML_VOLATILE_ECC)
            for name, kind in ECC_ERRORS.items()
        }
        processes = _processes(handle)
    except nvml.NVMLError as error:
        gpu.trouble = str(error)
        return gpu
    gpu.measurements = {name: value for name, value in measurements.items() if value is not None}
    gpu.ecc_errors = {name: value for name, value in ecc_errors.items() if value is not None}
    gpu.processes = processes
    return gpu


def _if_offered(read: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except NOT_OFFERED:
        return None


def _processes(handle: Any) -> Counter[str]:
    """Return the bytes that programs hold, by name; a process that computes and draws is in both of NVML's lists."""
    held = {}
    for listed in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
        for process in _if_offered(listed, handle) or []:
            if process.usedGpuMemory is not None:
                held[process.pid] = process.usedGpuMemory
    by_name: Counter[str] = Counter()
    for pid, size in held.items():
        by_name[_program(pid)] += size
    return by_name


def _program(pid: int) -> str:
    """Return the name of a process's program, without its folder and arguments: they may name people."""
    try:
        words = nvml.nvmlSystemGetProcessName(pid).split()
    except (nvml.NVMLError, UnicodeDecodeError):
        words = []
    return os.path.basename(words[0]) if words else "unknown"


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
