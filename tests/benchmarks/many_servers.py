"""50 Odoo servers with 300 databases and one Prometheus: scrapes, rounds of rules, and the dashboards' queries.

Each database is on two servers. A small HTTP server answers as all of them would: with the exposition of a real Odoo
after some requests, with the names of the databases put in, whose counters have grown at each scrape. Prometheus finds
the servers by HTTP service discovery, scrapes them in one job with one token, and evaluates the rules of any Odoo.

Seven days of samples are written into Prometheus's storage before it starts: of one database; of what rules record of
the widest histogram for each database of one server; and of what they record over all databases. Queries of the
dashboards of any Odoo are asked about the database, the server, and all.

Run: python -m tests.benchmarks.many_servers. In two parts, of which the second one measures:
python -m tests.benchmarks.many_servers prepare FOLDER; python -m tests.benchmarks.many_servers measure FOLDER
"""

import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import requests
from aiohttp import web

from prometheus.generator.recording import fleet
from stack.console import exit_on_error, run
from stack.layout import Layout
from stack.ports import Ports
from stack.services import prometheus
from stack.services.processes import Program
from tests.benchmarks import real_body
from tests.dashboards.reading import ODOO
from tests.storage.servers import Server, start_prometheus
from tests.waiting import until

SERVERS, DATABASES, COPIES = 50, 300, 2
SCRAPE, LIVE_SECONDS = 30, 330
"""LIVE_SECONDS: long enough for each group of rules but that of the 1-hour tier to be evaluated at least once."""
DAYS, STEP = 7, 600
"""Grafana's queries: a range of a week (in days), with a step of 10 minutes (in seconds)."""
TOKEN = "one-for-all"
LIMIT_SECONDS = 5
DATABASE = "db000"
DAY = 86400
RECORDED = 60
"""Seconds between two recorded values of wide histograms."""
WIDEST = "odoo_http_request_duration_seconds"
SERVER = 1
DOUBLED = 3600
"""Seconds after the start at which a counter has doubled."""


class Line(NamedTuple):
    """A line of an exposition: a sample or, without a value, a line that is not one."""

    series: str
    value: float | None = None
    grows: bool = False

    def after(self, seconds: float) -> str:
        """Return the value as it is written after so many seconds."""
        return str(int(self.value * (1 + seconds / DOUBLED)) if self.grows else self.value)


def parsed(body: Path) -> list[Line]:
    """Return the lines of an exposition in a file."""
    lines, kind = [], ""
    for text in body.read_text().splitlines():
        if text.startswith("#"):
            kind = text.split()[3] if text.startswith("# TYPE") else kind
            lines.append(Line(text))
        else:
            series, _, value = text.rpartition(" ")
            lines.append(Line(series, float(value), kind in ("counter", "histogram")))
    return lines


def server(number: int) -> str:
    """Return the name of a server, as its `instance`."""
    return f"odoo-{number:02}"


def databases(number: int) -> list[str]:
    """Return the databases that a server has: each is on two servers that are neighbours."""
    return [f"db{database:03}" for database in range(DATABASES) if (number - database) % SERVERS < COPIES]


def serve(port: str, body: str) -> None:
    """Answer as all servers would, /odoo-0 and so on, and at /targets as a service discovery."""
    lines, begun, mine = parsed(Path(body)), time.monotonic(), f'database="{DATABASE}"'

    async def metrics(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        seconds = time.monotonic() - begun
        names = [f'database="{name}"' for name in databases(int(request.match_info["number"]))]
        text: list[str] = []
        for line in lines:
            written = line.series if line.value is None else f"{line.series} {line.after(seconds)}"
            text += [written.replace(mine, name) for name in names] if mine in written else [written]
        body = "\n".join([*text, ""]).encode()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    async def targets(_request: web.Request) -> web.Response:
        return web.json_response(
            [
                {
                    "targets": [f"127.0.0.1:{port}"],
                    "labels": {"instance": server(number), "__metrics_path__": f"/odoo-{number}"},
                }
                for number in range(SERVERS)
            ]
        )

    application = web.Application()
    application.add_routes([web.get("/targets", targets), web.get("/odoo-{number}", metrics)])
    web.run_app(application, host="127.0.0.1", port=int(port), print=None)


def prepare(folder: Path) -> None:
    """Write a real body, and a week of samples as blocks."""
    body = folder / "body.txt"
    if not body.exists():
        body.write_text("\n".join([*real_body.of_odoo(DATABASE), ""]))
    lines = [line for line in parsed(body) if line.value is not None]
    series = [*week_of_one(lines), *week_of_all(lines)]
    now = int(time.time()) // RECORDED * RECORDED
    first = now - DAYS * DAY
    # a block is of a day, which begins at midnight
    days = [(max(day, first), min(day + DAY, now)) for day in range(first // DAY * DAY, now, DAY)]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(partial(_write_day, folder, series, first), days))
    samples = sum(DAYS * DAY // every for _, every in series)
    print(f"a week of {len(series):,} series: {samples:,} samples")


def week_of_one(lines: list[Line]) -> Iterator[tuple[Line, int]]:
    """Yield each series of one database that dashboards ask for, on the servers that have it, and its interval."""
    asked = " ".join(expression for _, expression, _ in queries())
    for number in range(SERVERS):
        if DATABASE in databases(number):
            yield from ((of(number, line), SCRAPE) for line in lines if name_of(line) in asked)


def week_of_all(lines: list[Line]) -> Iterator[tuple[Line, int]]:
    """Yield each series recorded over all databases, and the widest histogram of each database of one server."""
    for (bound,), value in added_up(lines, f"{WIDEST}_bucket", ("le",)).items():
        series = f'{fleet.of_databases(WIDEST)}{{database="{DATABASE}",le="{bound}"}}'
        yield from ((of(SERVER, Line(series, value), name), RECORDED) for name in databases(SERVER))
    for metric, (parts, by) in fleet.OF_ALL.items():
        for part in parts:
            names = (*by, "le") if part == "_bucket" else by
            for labels, value in added_up(lines, metric + part, names).items():
                inside = ",".join(f'{name}="{label}"' for name, label in zip(names, labels, strict=True))
                yield Line(f"{fleet.of_all(metric + part)}{{{inside}}}", value * DATABASES * COPIES), RECORDED


def name_of(line: Line) -> str:
    """Return the name of a metric, without labels."""
    return line.series.partition("{")[0]


def added_up(lines: list[Line], metric: str, names: tuple[str, ...]) -> dict[tuple[str, ...], float]:
    """Return the rates of a counter by labels."""
    found: dict[tuple[str, ...], float] = {}
    for line in lines:
        if name_of(line) == metric and line.value is not None:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line.series))
            key = tuple(labels[name] for name in names)
            found[key] = found.get(key, 0) + line.value / DOUBLED
    return found


def of(number: int, line: Line, database: str = DATABASE) -> Line:
    """Return a line as Prometheus stores it of a server, with the name of another database in it."""
    name, _, labels = line.series.replace(f'database="{DATABASE}"', f'database="{database}"').partition("{")
    return line._replace(series=f'{name}{{instance="{server(number)}",job="odoo",{labels or "}"}')


@cache
def _samples(value: float, grows: bool, every: int, first: int, day: tuple[int, int]) -> list[str]:
    """Return values with their times: those of a counter grow, those of a gauge stay, and those of a rate vary."""
    line, noise = Line("", value, grows), random.Random(0)
    if every == RECORDED:
        return [f"{value * noise.uniform(0.5, 1.5):.6g} {moment}" for moment in range(*day, every)]
    return [f"{line.after(moment - first)} {moment}" for moment in range(*day, every)]


def _write_day(folder: Path, series: list[tuple[Line, int]], first: int, day: tuple[int, int]) -> None:
    path = folder / f"{day[0]}.txt"
    with path.open("w") as file:
        for line, every in series:
            samples = _samples(line.value, line.grows, every, first, day)
            file.writelines((f"{line.series} ", f"\n{line.series} ".join(samples), "\n"))
        file.write("# EOF\n")
    run([prometheus.executable("promtool"), "tsdb", "create-blocks-from", "--max-block-duration=24h", "openmetrics",
         path, folder / "prometheus"], log=folder / "promtool.log")  # fmt: skip
    path.unlink()


def queries() -> Iterator[tuple[str, str, bool]]:
    """Yield name, expression and whether it is asked for one moment, of each query of the dashboards of any Odoo."""
    for path in ODOO:
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                if target["datasource"]["uid"] == "${datasource}":
                    yield (
                        f"{dashboard['title']}: {panel['title']} {target['refId']}",
                        target["expr"],
                        bool(target.get("instant")),
                    )


def put_in(expression: str, chosen: Mapping[str, str], seconds: int, step: int) -> str:
    """Return a query as Grafana sends it over so many seconds, with chosen or all values of each variable."""
    values = {**chosen, "__rate_interval": f"{max(step + SCRAPE, 4 * SCRAPE)}s",
              "__range": f"{seconds}s", "__interval": f"{step}s"}  # fmt: skip
    for name, value in values.items():
        expression = re.sub(rf"\${name}\b", value, expression)
    return re.sub(r"\$[a-z]\w+", ".*", expression)


def ask(server: Server, expression: str, instant: bool, seconds: int, step: int) -> tuple[float, int, int]:
    """Return the seconds that a query took, the samples that it read, and the series of its answer."""
    now = int(time.time())
    moment: dict[str, Any] = {"time": now} if instant else {"start": now - seconds, "end": now, "step": step}
    begun = time.monotonic()
    response = requests.get(
        f"{server.url}/api/v1/query{'' if instant else '_range'}",
        {"query": expression, "stats": "true", **moment},
        timeout=150,
    )
    response.raise_for_status()
    answer = response.json()["data"]
    return time.monotonic() - begun, answer["stats"]["samples"]["totalQueryableSamples"], len(answer["result"])


def ask_dashboards(server: Server, title: str, seconds: int, step: int, **chosen: str) -> None:
    """Ask each query of the dashboards, and print the slowest, and what Prometheus reads in a second."""
    asked = [
        (name, *ask(server, put_in(expression, chosen, seconds, step), instant, seconds, step))
        for name, expression, instant in queries()
    ]
    asked.sort(key=lambda row: -row[1])
    late = sum(row[1] > LIMIT_SECONDS for row in asked)
    print(f"\n{title}: {len(asked)} queries, {sum(row[3] > 0 for row in asked)} with an answer, {late} over "
          f"{LIMIT_SECONDS} s, all one after the other {sum(row[1] for row in asked):.1f} s")  # fmt: skip
    for name, taken, samples, found in asked[:8]:
        print(f"  {taken:7.2f} s {samples:13,} samples {found:6,} series  {name}")
    heavy = [row for row in asked if row[2] > 100_000]
    if heavy:
        print(f"  {sum(row[2] for row in heavy) / sum(row[1] for row in heavy):,.0f} samples a second")


def report(server: Server, seconds: float) -> None:
    """Print how scrapes and rounds of rules fared."""
    now = time.time()

    def one(expression: str) -> float:
        found = server.query(expression, now)
        return found[0][1] if found else 0.0

    print(f"\n{SERVERS} servers, {DATABASES} databases, each on {COPIES} servers; {seconds:.0f} s")
    print(f"  series in the head      {server.metric('prometheus_tsdb_head_series'):12,.0f}")
    print(f"  samples a scrape        {one('max(scrape_samples_scraped)'):12,.0f}")
    print(f"  samples a second        {one('sum(scrape_samples_scraped)') / SCRAPE:12,.0f}")
    print(f"  targets up              {one('sum(up)'):12,.0f} of {one('count(up)'):.0f}")
    print(f"  scrape, median          {one('quantile(0.5, scrape_duration_seconds)'):12.2f} s")
    print(f"  scrape, slowest         {one('max(max_over_time(scrape_duration_seconds[5m]))'):12.2f} s of {SCRAPE} s")
    print(f"  scrapes that failed     {one('sum(count_over_time((up == 0)[5m:10s]))'):12,.0f}")
    print(f"  memory                  {server.metric('process_resident_memory_bytes') / 2**30:12.1f} GiB")
    print(f"  processor               {server.metric('process_cpu_seconds_total') / seconds:12.2f} cores")
    missed = server.metric("prometheus_rule_group_iterations_missed_total")
    failed = server.metric("prometheus_rule_evaluation_failures_total")
    print(f"  rounds of rules missed  {missed:12,.0f}, evaluations that failed {failed:,.0f}")
    intervals = {
        labels["rule_group"]: value for labels, value in server.labelled("prometheus_rule_group_interval_seconds")
    }
    durations = sorted(server.labelled("prometheus_rule_group_last_duration_seconds"), key=lambda pair: -pair[1])
    for labels, taken in durations[:5]:
        group = labels["rule_group"]
        print(f"  {group.split(';')[-1]:45} {taken:7.2f} s of {intervals[group]:.0f} s")


def measure(folder: Path) -> None:
    """Let a Prometheus that has the week scrape all servers; print how it fared, and how long queries take."""
    layout = Layout(folder, Ports.free())
    url = layout.url("odoo")
    job = {
        "job_name": "odoo",
        "scrape_interval": f"{SCRAPE}s",
        "authorization": {"credentials": TOKEN},
        "http_sd_configs": [{"url": f"{url}/targets"}],
    }
    command = [sys.executable, "-m", "tests.benchmarks.many_servers", "serve", layout.ports.odoo, folder / "body.txt"]
    with ExitStack() as running:
        servers = Server(Program("servers", command), url, folder, ready="/targets")
        running.callback(servers.kill)
        begun = time.monotonic()
        rules = prometheus.FOLDER / "rules" / "odoo_*.yml"
        asked = start_prometheus(layout, rules, {"scrape_configs": [job], "alerting": {}, "remote_write": []})
        running.callback(asked.kill)
        until(lambda: asked.query("sum(up)", time.time())[:1] == [({}, SERVERS)], "all servers are up", 3 * SCRAPE)
        time.sleep(max(0, LIVE_SECONDS - (time.monotonic() - begun)))
        report(asked, time.monotonic() - begun)
        ask_dashboards(asked, f"{DATABASE}, {DAYS} days", DAYS * DAY, STEP, database=DATABASE)
        ask_dashboards(asked, f"{server(SERVER)}, {DAYS} days", DAYS * DAY, STEP, instance=server(SERVER))
        ask_dashboards(asked, f"all databases, {DAYS} days", DAYS * DAY, STEP)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="many-servers-") as folder, exit_on_error():
        prepare(Path(folder))
        measure(Path(folder))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", port, body]:
            serve(port, body)
        case ["prepare", folder]:
            prepare(Path(folder))
        case ["measure", folder]:
            measure(Path(folder))
        case _:
            main()
