"""A backup of Prometheus' data is one that a second Prometheus answers from as the first did."""

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests
import yaml

from stack.services import prometheus
from tests.waiting import until

from .exporter import Exporter

pytestmark = pytest.mark.servers

CONFIGURATION = {
    "scrape_configs": [
        {"job_name": "prometheus", "scrape_interval": "1s", "static_configs": [{"targets": ["127.0.0.1:{port}"]}]}
    ]
}
YEAR_AGO = int(time.time()) - 365 * 24 * 3600
OLD_SAMPLES = "# TYPE old gauge\n" + "".join(
    f'old{{number="{number}"}} {number} {YEAR_AGO + second}\n' for number in range(100) for second in range(100)
) + "# EOF\n"  # fmt: skip


class Prometheus:
    """A Prometheus that runs, and its data folder."""

    def __init__(self, data, port):
        self.data = data
        self.url = f"http://127.0.0.1:{port}"

    def query(self, expression, at=None):
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression, "time": at}, timeout=10)
        return {tuple(sorted(sample["metric"].items())): sample["value"] for sample in answer.json()["data"]["result"]}

    def ready(self):
        try:
            return requests.get(f"{self.url}/-/ready", timeout=10).ok
        except requests.RequestException:
            return False


@contextmanager
def running(folder, data, *options, scraping=True, interval="1s"):
    """Run a Prometheus on a data folder; it begins to scrape within an interval."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    configuration = yaml.safe_dump(CONFIGURATION).replace("{port}", str(port)).replace("1s", interval)
    (folder / "prometheus.yml").write_text(configuration if scraping else "")
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [prometheus.executable("prometheus"), f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=3y",
             f"--web.listen-address=127.0.0.1:{port}", *options], stderr=log)  # fmt: skip
    try:
        server = Prometheus(data, port)
        until(server.ready, "Prometheus is ready")
        yield server
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def source(tmp_path_factory, promtool):
    """A Prometheus with a block of old samples, that scrapes itself."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "old.txt").write_text(OLD_SAMPLES)
    data = folder / "data"
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", folder / "old.txt", data], check=True,
                   capture_output=True)  # fmt: skip
    with running(folder / "first", data, "--web.enable-admin-api") as source:
        until(lambda: source.query("prometheus_tsdb_head_samples_appended_total"), "Prometheus has scraped itself")
        yield source


@pytest.fixture
def exporter(source, tmp_path, promtool):
    """An exporter that backs the source up as `monitoring`; it needs no PostgreSQL."""
    monitoring = {"prometheus": source.url, "data": str(source.data), "configuration": str(prometheus.FOLDER)}
    return Exporter(tmp_path, {"monitoring": monitoring}, {"PATH": f"{promtool.parent}:/usr/bin:/bin"})


def assert_fails(exporter, because):
    good, said = exporter.run("monitoring")
    assert not good
    assert f"monitoring: the backup failed: {because}" in said
    assert said.count("\n") == 1, "one line says it all"
    assert exporter.complete("monitoring") == exporter.leftovers() == []


def test_a_second_prometheus_answers_from_it_as_the_first_did(exporter, source, tmp_path):
    until(lambda: source.query("count_over_time(up[1m]) >= 3"), "there are some samples")
    now = time.time()
    queries = [("{__name__=~'.+'}", now - 1), ("sum_over_time(up[1h])", now - 1),
               ("sum_over_time(old[1h])", YEAR_AGO + 1800)]  # fmt: skip
    answers = [source.query(*query) for query in queries]
    assert [len(answer) > least for answer, least in zip(answers, (300, 0, 99), strict=True)] == [True] * 3

    assert exporter.run("monitoring")[0]

    [archive] = exporter.complete("monitoring")
    shutil.copytree(archive / "prometheus", tmp_path / "restored")
    with running(tmp_path / "second", tmp_path / "restored", scraping=False) as second:
        assert [second.query(*query) for query in queries] == answers
    for thresholds in (prometheus.FOLDER / "thresholds").iterdir():
        assert (archive / "configuration" / "thresholds" / thresholds.name).read_bytes() == thresholds.read_bytes()


def test_one_that_has_just_started_is_waited_for(exporter, tmp_path):
    data = tmp_path / "young-data"
    with running(tmp_path / "young", data, "--web.enable-admin-api", interval="20s") as young:
        exporter.configure(prometheus=young.url, data=str(data))
        assert exporter.run("monitoring")[0]


def test_no_snapshot_stays_behind(exporter, source):
    assert exporter.run("monitoring")[0]
    others = source.data / "snapshots" / "of-an-operator"
    others.mkdir()
    (source.data / "snapshots" / "influencegen-backup" / "block").mkdir(parents=True)
    assert exporter.run("monitoring")[0]
    assert list((source.data / "snapshots").iterdir()) == [others]


def test_a_damaged_chunk_fails(exporter, source):
    path = min(source.data.glob("*/chunks/*"))
    content = path.read_bytes()
    middle = len(content) // 2
    try:
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
        assert_fails(exporter, "promtool reads ")
    finally:
        path.write_bytes(content)


def test_a_truncated_copy_fails(exporter):
    """promtool is called with the copy; one that cuts it first does what a bad disk would."""
    exporter.replace("promtool", 'for folder; do :; done; truncate --size=-100 "$folder"/*/index; exec "$REAL" "$@"')
    assert_fails(exporter, "promtool can't read the copy of Prometheus' data: ")


def test_an_empty_snapshot_fails(exporter):
    exporter.replace("promtool", 'for folder; do :; done; rm -r "$folder"/[0-9]*; exec "$REAL" "$@"')
    assert_fails(exporter, "promtool reads 0 samples")


def test_another_data_folder_fails(exporter, tmp_path):
    exporter.configure(data=str(tmp_path))
    assert_fails(exporter, "Prometheus' snapshot is not at ")


def test_without_the_admin_api_it_fails(exporter, tmp_path):
    with running(tmp_path / "closed", tmp_path / "closed-data") as closed:
        exporter.configure(prometheus=closed.url)
        assert_fails(exporter, "Prometheus makes no snapshot (")


def test_a_prometheus_that_is_down_fails(exporter):
    exporter.configure(prometheus="http://127.0.0.1:1")
    assert_fails(exporter, "HTTPConnectionPool")


def test_configuration_that_is_not_there_fails(exporter, tmp_path):
    exporter.configure(configuration=str(tmp_path / "absent"))
    assert_fails(exporter, f"there is no folder {tmp_path}/absent")
