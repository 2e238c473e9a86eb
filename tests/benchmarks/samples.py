"""The CPU time of a scrape by sample, of a small and of a large instance.

Baseline: the build of ``baseline.py``. Each build has, for each size, an instance of its own: four processes
that write the same series, counters and histograms of requests, and a process beside them that is scraped. Before each
scrape every worker moves every series: more than happens between two scrapes, so that neither build profits from what
it knows from the scrape before.

The instances are scraped in turns, as Prometheus does (OpenMetrics, gzip), and without compression. Printed are the
medians of ``ROUNDS`` rounds, and the median over rounds of the ratio to the baseline, of the time by sample.
"""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.benchmarks import baseline
from tests.benchmarks.apart import Apart
from tests.benchmarks.rounds import interleaved, ratio

INSTANCE = Path(__file__).with_name("samples_instance.py")
ROUNDS = 15
WARMING = 3
ROUTES = {"568": 31, "33007": 1833}
"""Numbers of routes by the number of samples: each route has 18, and the exporter adds its own."""
CODINGS = {"": "", "_gzip": "gzip"}
LIMIT = 0.2

OLD, NEW = "baseline", "working tree"


def build(checkout: Path, place: Path) -> Path:
    """Return the new folder ``place`` with telemetry's package of a checkout, and the program that runs an instance."""
    # the baseline is of before the addon was split
    addon = "odoo_telemetry" if (checkout / "odoo_telemetry").exists() else "influencegen_telemetry"
    shutil.copytree(checkout / addon / "metrics", place / "metrics")
    shutil.copy(INSTANCE, place)
    return place


def measure(apart: dict[str, Apart], coding: str) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the microseconds per sample of all rounds, and the number of samples, of each build."""
    turns = {name: lambda one=one: one.ask(coding).split() for name, one in apart.items()}
    interleaved(turns, WARMING)
    taken = interleaved(turns, ROUNDS)
    times = {name: [float(microseconds) for microseconds, _samples in answers] for name, answers in taken.items()}
    return times, {name: answers[-1][1] for name, answers in taken.items()}


def main() -> None:
    print("\nsamples        µs per sample   ratio   build (samples); 4 workers")
    with ExitStack() as running:
        checkouts = {OLD: running.enter_context(baseline.checkout()), NEW: baseline.ROOT}
        place = Path(running.enter_context(tempfile.TemporaryDirectory()))
        builds = {name: build(checkout, place / name) for name, checkout in checkouts.items()}
        bars = []
        for size, routes in ROUTES.items():
            with ExitStack() as sized:
                apart = {
                    name: sized.enter_context(Apart(
                        INSTANCE.stem, str(routes), str(place / f"{name}-{size}"), directory=folder,
                    ))
                    for name, folder in builds.items()
                }  # fmt: skip
                for suffix, coding in CODINGS.items():
                    times, samples = measure(apart, coding)
                    for name, taken in times.items():
                        compared = ratio(times, name, OLD)
                        results = f"{median(taken):11.2f}   {compared:5.3f}"
                        print(f"{size + suffix:14}   {results}   {name} ({samples[name]})")
                    bars.append((f"samples_{size}{suffix}", ratio(times, NEW, OLD)))
    for name, value in bars:
        baseline.bar(name, value, LIMIT)


if __name__ == "__main__":
    main()
