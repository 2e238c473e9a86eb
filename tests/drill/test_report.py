"""What a person reads at the end of a fault drill."""

from stack.scenarios.drill.report import Line, report

GOOD = Line(
    "n8n is killed",
    "N8nDown",
    120,
    "N8nDown",
    {"pager", "chat"},
    9.4,
    31.2,
    "FIRING N8nDown\nIt is down.",
    {"HostCpuHigh": "is not judged"},
)
LATE = Line("the GPU is lost", "GpuMissing", wrong=["GpuMissing was notified as firing on no channel, expected chat"])
LEFT_OUT = Line("a disk fills", "DiskSpaceCritical", impossible="only root may mount a disk")


def test_a_fault_that_was_notified_as_it_must_be():
    text = report([GOOD])
    assert "| n8n is killed | N8nDown  | N8nDown  | chat, pager | 9 s            | 2 min " in text
    assert text.splitlines()[2].endswith("| ✓ |")
    assert "HostCpuHigh: is not judged." in text
    assert "    It is down." in text


def test_failures_are_reported():
    text = report([GOOD, LATE])
    assert [line.split("|")[-2].strip() for line in text.splitlines()[2:4]] == ["✓", "✗"]
    assert "✗ the GPU is lost: GpuMissing was notified as firing on no channel" in text


def test_a_fault_that_could_not_be_caused_is_neither():
    text = report([LEFT_OUT])
    assert text.splitlines()[2].endswith("| - |")
    assert "NOT CAUSED: only root may mount a disk" in text
