"""What the tiers' rules make of hours of two servers, in a real Prometheus and a real VictoriaMetrics.

The hours are before now: promtool writes the samples, and then what the rules would have recorded, as blocks.
"""

import bisect
import json
import random
import subprocess
import time

import pytest
import requests
import yaml

from influencegen_telemetry.business import catalogue
from prometheus.generator import scraping, tiers
from stack.services import prometheus
from tests.storage.servers import start_prometheus, start_victoria
from tests.waiting import until

pytestmark = pytest.mark.servers

METRIC = catalogue.METRICS["api_odoo_to_n8n_webhook_latency_seconds"]
WRITTEN_HOURS = 6
# The last hour, and the first, may not be whole: a tier's hours begin at a minute of their own
HOURS = WRITTEN_HOURS - 2
# The most observations that two counts of the same hours differ by: those between two scrapes
EDGE = 3
SCRAPE = scraping.GROUPS[METRIC.group]
BEGIN = int(time.time()) // 3600 * 3600 - 8 * 3600
END = BEGIN + WRITTEN_HOURS * 3600
RESTART = END - 100 * 60


def scrapes(instance, observed):
    """Yield (series, value, time) for each scrape of an instance: the histogram of what it has observed by then.

    :param observed: latencies by time of the scrape that shows them first
    """
    bounds = (*METRIC.buckets, float("inf"))
    counts, total = [0] * len(bounds), 0.0
    for at, latencies in observed:
        for latency in latencies:
            total += latency
            for index in range(bisect.bisect_left(bounds, latency), len(bounds)):
                counts[index] += 1
        for bound, count in zip(bounds, counts, strict=True):
            le = "+Inf" if bound == float("inf") else bound
            yield f'{METRIC.name}_bucket{{instance="{instance}",le="{le}"}}', count, at
        yield f'{METRIC.name}_count{{instance="{instance}"}}', counts[-1], at
        yield f'{METRIC.name}_sum{{instance="{instance}"}}', total, at


@pytest.fixture
def latencies():
    """The latencies that two servers observed in the scrapes of those hours, as {server: [(time, latencies)]}."""
    draw = random.Random(5)
    return {
        instance: [
            (at, [draw.lognormvariate(median, 0.5) for _ in range(draw.randrange(3))])
            for at in range(BEGIN + SCRAPE, END + SCRAPE, SCRAPE)
        ]
        for instance, median in (("a", 2.0), ("b", 2.8))
    }


@pytest.fixture
def servers(layout, running, latencies):
    """A Prometheus with these hours, raw and downsampled, and a VictoriaMetrics with the tier of an hour.

    The last two elements are times: of the last hour, and of the last 5-minute step in that hour.
    """
    promtool = prometheus.executable("promtool")
    blocks = layout.state / "prometheus"

    def write_blocks(kind, *arguments):
        subprocess.run(
            [promtool, "tsdb", "create-blocks-from", kind, *map(str, arguments)], check=True, capture_output=True
        )

    samples = [
        *scrapes("a", latencies["a"]),
        *scrapes("b", [pair for pair in latencies["b"] if pair[0] <= RESTART]),
        *scrapes("b", [pair for pair in latencies["b"] if pair[0] > RESTART]),
    ]
    raw = layout.state / "raw.txt"
    raw.write_text(
        f"# TYPE {METRIC.name} histogram\n"
        + "".join(f"{series} {value} {at}\n" for series, value, at in samples)
        + "# EOF\n"
    )
    write_blocks("openmetrics", raw, blocks)
    server = running(start_prometheus(layout, layout.state / "none.yml"))
    for group in tiers.files()["influencegen_tiers"]:
        rules = layout.state / f"{group.name}.yml"
        rules.write_text(yaml.safe_dump({"groups": [group.content()]}))
        write_blocks(
            "rules", f"--start={BEGIN}", f"--end={END}", f"--url={server.url}", f"--output-dir={blocks}", rules
        )
        server.stop()
        server.start()

    storage = running(start_victoria(layout, "victoria_1h"))
    recorded = server.get("/api/v1/query", query=f'{{__name__=~"tier1h:.+"}}[{HOURS}h]', time=END)["data"]["result"]
    lines = [
        json.dumps(
            {
                "metric": {**series["metric"], "__name__": series["metric"]["__name__"].replace("1h", "", 1)},
                "values": [float(value) for _, value in series["values"]],
                "timestamps": [round(at * 1000) for at, _ in series["values"]],
            }
        )
        for series in recorded
    ]
    requests.post(f"{storage.url}/api/v1/import", data="\n".join(lines), timeout=10).raise_for_status()
    until(lambda: storage.query(f"tier:{METRIC.name}_count:increase", END), "what was imported is found")
    hour = recorded[0]["values"][-1][0]
    [steps] = server.get("/api/v1/query", query=f"tier5m:{METRIC.name}_count:increase[5m]", time=hour)["data"]["result"]
    return server, storage, hour, steps["values"][-1][0]


def test_hours_tell_what_raw_samples_tell(servers, latencies):
    raw, tier, hour, step = servers
    seconds = sorted(
        latency
        for scraped in latencies.values()
        for at, several in scraped
        for latency in several
        if step - HOURS * 3600 < at <= step
    )
    bounds = (0, *METRIC.buckets)
    from_raw = f"increase({METRIC.name}_bucket[{HOURS}h])"
    from_tier = f"sum_over_time(tier:{METRIC.name}_bucket:increase[{HOURS}h])"
    for q in (0.5, 0.9, 0.95, 0.99):
        (_, of_raw), (_, of_tier) = (
            server.query(f"histogram_quantile({q}, sum by (le) ({growth}))", end)[0]
            for server, growth, end in ((raw, from_raw, step), (tier, from_tier, hour))
        )
        bucket = bisect.bisect_left(bounds, seconds[int(q * len(seconds))])
        lower, upper = bounds[bucket - 1 : bucket + 1]
        assert lower <= of_tier <= upper
        # at the ends of the hours, which depend on where the rules' files are, they differ by some observations
        one = (upper - lower) / sum(lower < latency <= upper for latency in seconds)
        assert of_tier == pytest.approx(of_raw, rel=0.01, abs=EDGE * one)

    # the restart costs at most the growth between two scrapes
    [(_, count)] = tier.query(f"sum_over_time(tier:{METRIC.name}_count:increase[{HOURS}h])", hour)
    assert count == pytest.approx(len(seconds), abs=EDGE)
    [(_, total)] = tier.query(f"sum_over_time(tier:{METRIC.name}_sum:increase[{HOURS}h])", hour)
    assert total == pytest.approx(sum(seconds), rel=0.01)
