import time

from exporters.gpu_exporter import source
from exporters.gpu_exporter.reader import Reading
from tests.waiting import until


def fail_and_linger(pipe):
    """Serve as the reader does where NVML can't be initialized, but on a machine that is slow to end a process."""
    pipe.send(Reading(trouble="no driver"))
    pipe.close()
    time.sleep(60)


def test_a_failure_is_the_same_at_each_reading(monkeypatch):
    monkeypatch.setattr(source, "serve", fail_and_linger)
    failing = source.Source()
    until(lambda: failing.read().trouble == "no driver", "its process has started")
    assert [failing.read().trouble for _ in range(3)] == ["no driver"] * 3
