"""The GPU exporter over HTTP, on a library that takes the place of NVIDIA's and is loaded as that would be.

On a machine with a GPU the same exporter loads NVIDIA's own library. No test here has a GPU, and none says how a real
card behaves.
"""

import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from exporters.gpu_exporter.collector import PROCESS_NAMES
from exporters.gpu_exporter.source import READ_TIMEOUT_SECONDS
from stack.services import gpu, prometheus

pytestmark = pytest.mark.servers

MIB = 1024**2
UUID = "GPU-00000000-0000-0000-0000-{:012d}".format
FIRST, SECOND = ("0", UUID(0)), ("1", UUID(1))
OF_THE_MOMENT = {
    "gpu_info",
    "gpu_utilization_percent",
    "gpu_memory_used_bytes",
    "gpu_memory_total_bytes",
    "gpu_temperature_celsius",
    "gpu_power_watts",
    "gpu_ecc_errors_total",
    "gpu_process_memory_used_bytes",
}
DRIVER_NOT_LOADED, GPU_IS_LOST, UNINITIALIZED = 9, 15, 1


def test_values_are_in_base_units(start):
    series = start(
        "0 utilization 37",
        f"0 memory_used {3 * MIB}",
        f"0 memory_total {16 * MIB}",
        "0 temperature 61",
        "0 power 250500",
        "0 corrected 5",
        "0 uncorrected 2",
    ).wait_until_up(1)
    assert series["gpu_utilization_percent"] == {FIRST: 37}
    assert series["gpu_memory_used_bytes"] == {FIRST: 3 * MIB}
    assert series["gpu_memory_total_bytes"] == {FIRST: 16 * MIB}
    assert series["gpu_temperature_celsius"] == {FIRST: 61}
    assert series["gpu_power_watts"] == {FIRST: 250.5}
    assert series["gpu_ecc_errors_total"] == {("corrected", *FIRST): 5, ("uncorrected", *FIRST): 2}
    assert series["gpu_xid_errors_total"] == {FIRST: 0}


def test_a_simulator_says_that_it_is_one(start):
    [(_, _, name, _)] = start().wait_until_up(1)["gpu_info"]
    assert name == "Simulated GPU (no hardware)"


def test_values_are_those_of_the_moment(start):
    exporter = start("0 utilization 1")
    exporter.wait_until_up(1)
    exporter.control("0 utilization 99")
    assert exporter.scrape()["gpu_utilization_percent"] == {FIRST: 99}


def test_promtool_has_nothing_to_say(start):
    exporter = start("all gpus 2")
    exporter.wait_until_up(1, 1)
    result = subprocess.run(
        [prometheus.executable("promtool"), "check", "metrics"], input=exporter.text(), capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "field, series",
    [
        ("utilization", "gpu_utilization_percent"),
        ("temperature", "gpu_temperature_celsius"),
        ("power", "gpu_power_watts"),
        ("corrected", "gpu_ecc_errors_total"),
        ("xids", "gpu_xid_errors_total"),
    ],
)
def test_what_a_card_does_not_offer_is_left_out(start, field, series):
    served = start("all gpus 2", f"1 {field} unsupported").wait_until_up(1, 1)
    with_it = {labels[-2:] for labels in served[series] if "uncorrected" not in labels}
    assert with_it == {FIRST}
    assert SECOND in served["gpu_memory_used_bytes"]


def test_memory_of_programs_is_summed_and_names_nobody(start):
    series = start(
        f"0 process 100 {5 * MIB} /home/alice/bin/python train.py --user alice",
        f"0 process 101 {2 * MIB} python",
        f"0 process 102 {MIB} /usr/bin/Xorg",
        f"0 process 103 {MIB}",
    ).wait_until_up(1)
    assert series["gpu_process_memory_used_bytes"] == {
        (FIRST[0], "python", FIRST[1]): 7 * MIB,
        (FIRST[0], "Xorg", FIRST[1]): MIB,
        (FIRST[0], "unknown", FIRST[1]): MIB,
    }


def test_programs_past_the_limit_are_other_and_stay_so(start):
    names = [f"program{number}" for number in range(PROCESS_NAMES + 2)]
    exporter = start(*(f"0 process {100 + number} {(100 - number) * MIB} {name}" for number, name in enumerate(names)))
    served = exporter.wait_until_up(1)["gpu_process_memory_used_bytes"]
    largest = {(FIRST[0], name, FIRST[1]): (100 - number) * MIB for number, name in enumerate(names[:PROCESS_NAMES])}
    rest = sum((100 - number) * MIB for number in range(PROCESS_NAMES, len(names)))
    assert served == {**largest, (FIRST[0], "other", FIRST[1]): rest}

    exporter.control(f"0 process 200 {MIB} late")
    series = exporter.scrape()
    assert series["gpu_process_memory_used_bytes"] == {(FIRST[0], "other", FIRST[1]): MIB}
    assert series["odoo_telemetry_labels_folded_total"][("process",)] >= 3


@pytest.mark.skipif(gpu.present(), reason="this machine has NVIDIA's library: its absence can't be seen here")
def test_without_a_library_it_says_so_once_and_serves(start):
    exporter = start(library=False)
    exporter.wait(lambda series: "NVML Shared Library Not Found" in exporter.log.read_text(), "the message")
    for _ in range(3):
        series = exporter.scrape()
    assert series["gpu_up"] == {(): 0}
    assert not OF_THE_MOMENT & series.keys()
    assert len(re.findall("Not Found", exporter.log.read_text())) == 1
    assert "If NVIDIA's driver is missing, install and load it" in exporter.log.read_text()


def test_a_driver_that_comes_later_is_found(start, tmp_path):
    exporter = start(f"all error {DRIVER_NOT_LOADED}")
    exporter.wait(lambda series: series["gpu_up"] == {(): 0}, "no GPU")
    exporter.control()
    exporter.wait_until_up(1)


@pytest.mark.parametrize("error", [DRIVER_NOT_LOADED, GPU_IS_LOST, UNINITIALIZED])
def test_a_lost_driver_is_survived_and_nothing_old_is_served(start, error):
    exporter = start("all gpus 2")
    exporter.wait_until_up(1, 1)
    exporter.control("all gpus 2", f"all error {error}")
    series = exporter.scrape()
    assert series["gpu_up"] == {FIRST: 0, SECOND: 0}
    assert not OF_THE_MOMENT & series.keys()
    exporter.control("all gpus 2")
    assert len(exporter.wait_until_up(1, 1)["gpu_utilization_percent"]) == 2


def test_one_lost_gpu_does_not_hide_the_other(start):
    exporter = start("all gpus 2")
    exporter.wait_until_up(1, 1)
    exporter.control("all gpus 2", f"1 error {GPU_IS_LOST}", "0 utilization 42")
    for series in (exporter.scrape(), exporter.wait_until_up(1, 0)):
        assert series["gpu_up"] == {FIRST: 1, SECOND: 0}
        assert series["gpu_utilization_percent"] == {FIRST: 42}
    assert f"GPU 1 ({UUID(1)}) can't be read: GPU is lost" in exporter.log.read_text()
    exporter.control("all gpus 2")
    exporter.wait_until_up(1, 1)


def test_a_gpu_that_fails_from_the_start_is_down(start):
    series = start("all gpus 2", f"1 error {GPU_IS_LOST}").wait(
        lambda series: ("0", UUID(0)) in series["gpu_up"], "the first GPU"
    )
    assert series["gpu_up"] == {FIRST: 1, ("1",): 0}


def test_a_gpu_that_is_no_longer_listed_is_down_until_it_is_back(start):
    exporter = start("all gpus 2")
    exporter.wait_until_up(1, 1)
    exporter.control("all gpus 1", f"1 error {GPU_IS_LOST}")
    exporter.wait_until_up(1, 0)
    exporter.wait(lambda series: "NVML no longer sees it" in exporter.log.read_text(), "a process that sees one GPU")
    exporter.wait_until_up(1, 0)
    exporter.control("all gpus 2")
    exporter.wait_until_up(1, 1)


def test_xid_errors_are_counted_and_outlive_the_gpu(start):
    exporter = start("all gpus 2", "1 xids 4")
    exporter.wait_until_up(1, 1)
    exporter.control("all gpus 2", "1 xids 6")
    exporter.wait(lambda series: series["gpu_xid_errors_total"] == {FIRST: 0, SECOND: 2}, "two XID errors")
    assert f"GPU 1 ({UUID(1)}) reports XID error 79" in exporter.log.read_text()
    exporter.control("all gpus 2", "1 xids 6", f"1 error {GPU_IS_LOST}")
    assert exporter.wait_until_up(1, 0)["gpu_xid_errors_total"] == {FIRST: 0, SECOND: 2}


def test_a_call_that_hangs_ends_neither_the_scrape_nor_the_exporter(start):
    exporter = start()
    exporter.wait_until_up(1)
    [hanging] = exporter.readers()
    exporter.control("all hang 1000")
    begun = time.monotonic()
    series = exporter.scrape()
    assert time.monotonic() - begun < 10, "Prometheus's scrape timeout"
    assert series["gpu_up"] == {FIRST: 0}
    assert not OF_THE_MOMENT & series.keys()
    exporter.scrape()
    assert len(exporter.readers()) == 1
    psutil.wait_procs([hanging], timeout=10)
    assert not hanging.is_running()
    for reader in exporter.readers():
        # the one that begins hangs as well, and would be waited for
        reader.kill()
    exporter.control()
    exporter.wait_until_up(1)


def test_gpus_that_take_long_to_wake_are_waited_for(start):
    exporter = start(f"all init_seconds {3 * READ_TIMEOUT_SECONDS}")
    assert exporter.wait(lambda series: True, "an answer")["gpu_up"] == {(): 0}
    assert "still being initialized" in exporter.log.read_text()
    exporter.wait_until_up(1)


def test_a_crash_in_the_library_is_survived(start):
    exporter = start()
    exporter.wait_until_up(1)
    exporter.control("all crash 1")
    assert exporter.scrape()["gpu_up"] == {FIRST: 0}
    exporter.control()
    exporter.wait_until_up(1)
    assert f"exited with status {-signal.SIGABRT}" in exporter.log.read_text()


def test_ctrl_c_is_for_the_exporter_and_not_for_its_reader(start):
    exporter = start()
    exporter.wait_until_up(1)
    [reader] = exporter.readers()
    reader.send_signal(signal.SIGINT)
    for _ in range(3):
        assert exporter.scrape()["gpu_up"] == {FIRST: 1}
    assert exporter.readers() == [reader]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_it_ends(start, signal_number):
    exporter = start()
    exporter.wait_until_up(1)
    readers = psutil.Process(exporter.process.pid).children(recursive=True)
    exporter.process.send_signal(signal_number)
    exporter.process.wait(20)
    assert not psutil.wait_procs(readers, timeout=20)[1]
    assert "Traceback" not in exporter.log.read_text()


def test_a_port_that_is_taken_is_named(start):
    exporter = start()
    exporter.wait_until_up(1)
    port = exporter.url.split(":")[2].split("/")[0]
    result = subprocess.run(
        [sys.executable, "-m", "exporters.gpu_exporter", "--port", port], capture_output=True, text=True, timeout=30
    )
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in result.stderr
