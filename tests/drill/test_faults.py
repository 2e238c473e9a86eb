"""What the faults of the fault drill expect is what the rules and the routes say."""

import re
from pathlib import Path

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

DESCRIPTIONS = yaml.safe_load((Path(__file__).parents[1] / "rules" / "descriptions.yml").read_text())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.alert)
def test_a_fault_expects_an_alert_that_there_is_on_the_channels_of_its_severity(fault):
    assert fault.channels == {"critical": PAGED, "warning": WRITTEN}[ALERTS[fault.alert]["severity"]]


def test_the_text_that_a_fault_expects_is_in_the_description_or_says_where():
    values = {"Fault", "drill", "http"}  # of labels that a description names
    unsaid = {
        fault.alert: missing
        for fault in FAULTS
        if not re.search("[=/]", fault.says.removesuffix("/s"))
        and (
            missing := set(re.findall("[A-Za-z_]{2,}", fault.says))
            - values
            - set(re.findall("[A-Za-z_]{2,}", DESCRIPTIONS[fault.alert]))
        )
    }
    assert not unsaid


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
