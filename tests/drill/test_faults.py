"""What the faults of the drill expect is what the rules and the routes say."""

import pytest
import yaml

from stack.scenarios.drill.faults import FAULTS, PAGED, WRITTEN
from stack.scenarios.drill.runner import judged
from stack.services import prometheus

ALERTS = {
    rule["alert"]: rule["labels"]
    for path in (prometheus.FOLDER / "rules").glob("*.yml")
    for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"] if "alert" in rule
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)
def test_a_fault_expects_an_alert_that_there_is_on_the_channels_of_its_severity(fault):
    assert fault.channels == {"critical": PAGED, "warning": WRITTEN}[ALERTS[fault.alert]["severity"]]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)
def test_what_else_may_come_exists_and_has_a_reason(fault):
    assert fault.besides.keys() <= ALERTS.keys() - {fault.alert}
    assert all(fault.besides.values())


def test_each_alert_is_judged_but_those_about_the_machine_a_day_or_business():
    left_out = {name for name, labels in ALERTS.items() if not judged(labels["severity"], labels["team"], name, "")}
    platform = {name for name in left_out if ALERTS[name]["team"] != "business"}
    assert platform == {
        "DeadMansSwitch", "AiImageVolumeHigh", "AiImageVolumeLow", "HostCpuHigh", "HostCpuCritical", "HostMemoryHigh",
        "HostMemoryCritical", "DiskSpaceLow", "DiskSpaceCritical", "DiskFullSoon", "DiskBusy", "DiskSaturated",
        "NetworkBusy", "NetworkSaturated",
    }  # fmt: skip
    assert judged("critical", "platform", "DiskSpaceCritical", "Where: mount_point=/state/drill/disk")
