"""Storage: 90 days of both tiers for 20 Odoo servers and 100,000 influencers; writing, queries, disk, cardinality.

The tiers' samples are generated, as ``scale`` says, and imported into the VictoriaMetrics of each. The dashboards'
queries are asked of them, without a cache. Then a real Prometheus scrapes 20 servers with the project's own rules, and
writes to these same storages: the finer tier every ``LIVE_STEP``, which is 20 times as often as it would.

The specification requires: a write within 100 ms, a dashboard's query within 5 s, one over a long range within 30 s.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path

import requests
from aiohttp import web

from influencegen_telemetry.business import catalogue
from prometheus.generator import scraping
from stack.layout import Layout
from stack.ports import Ports
from stack.services import prometheus, victoria
from stack.services.processes import Program
from tests.benchmarks.scale import DAYS, SERVERS, TIMES, bound, history, scraped, size, tier_series
from tests.storage.servers import Server, start_prometheus, start_victoria
from tests.waiting import until

LIVE_SECONDS = 150
LIVE_STEP = "15s"
STEPS = {"5m": 300, "1h": 3600}
DASHBOARDS = {
    "Odoo_System_Health": {
        "CPU by host": "avg_over_time(tier:system_cpu_utilization:avg[{step}])",
        "memory by host": "avg_over_time(tier:system_memory_utilization:avg[{step}])",
        "workers": "avg_over_time(tier:odoo_workers_active:avg[{step}])",
        "request queue": "avg_over_time(tier:odoo_request_queue_length:avg[{step}])",
        "page load p95": "histogram_quantile(0.95, sum by (le) "
                         "(sum_over_time(tier:odoo_ui_page_load_time_seconds_bucket:increase[{step}])))",
        "page load p95 by route": "histogram_quantile(0.95, sum by (le, route) "
                                  "(sum_over_time(tier:odoo_ui_page_load_time_seconds_bucket:increase[{step}])))",
        "errors by class": "sum by (error_class) (sum_over_time(tier:odoo_application_errors:increase[{step}]))",
    },
    "N8N_AI_Integration_Performance": {
        "executions": "avg_over_time(tier:n8n_workflow_active_executions:avg[{step}])",
        "execution queue": "avg_over_time(tier:n8n_workflow_execution_queue_length:avg[{step}])",
        **{f"{name} {what}": expression.format(api=api, step="{step}")
           for name, api in (("webhook", "odoo_to_n8n_webhook"), ("AI service", "n8n_to_aiservice"),
                             ("callback", "n8n_to_odoo_callback"))
           for what, expression in {
               "p95": "histogram_quantile(0.95, sum by (le) "
                      "(sum_over_time(tier:api_{api}_latency_seconds_bucket:increase[{step}])))",
               "errors": "sum(sum_over_time(tier:api_{api}_errors:increase[{step}]))"}.items()},
        "workflow errors": "sum by (workflow_name) "
                           "(sum_over_time(tier:n8n_workflow_execution_errors:increase[{step}]))",
    },
    "AI_Image_Generation_Service_KPIs": {
        "GPU": "avg_over_time(tier:gpu_utilization_percent:avg[{step}])",
        "requests": "sum(sum_over_time(tier:ai_image_generation_requests:increase[{step}]))",
        "success rate": "100 * sum(sum_over_time(tier:ai_image_generation_success:increase[{step}])) / "
                        "sum(sum_over_time(tier:ai_image_generation_requests:increase[{step}]))",
        "end to end p95": "histogram_quantile(0.95, sum by (le) (sum_over_time("
                          "tier:ai_image_generation_end_to_end_latency_seconds_bucket:increase[{step}])))",
        "daily volume": "sum(sum_over_time(tier:ai_image_generation_requests:increase[1d]))",
    },
    "Business_Operations_Overview": {
        "registrations an hour": "sum(sum_over_time(tier:influencer_registration_attempts:increase[1h]))",
        "KYC approval rate": '100 * sum(sum_over_time(tier:influencer_kyc_verifications:increase{{outcome="approved"}}'
                             "[1d])) / sum(sum_over_time(tier:influencer_kyc_verifications:increase[1d]))",
        "active influencers": "max(tier:influencer_active:avg)",
        "applications by campaign": "topk(10, sum by (campaign_id) "
                                    "(sum_over_time(tier:campaign_applications:increase[{step}])))",
        "payment success rate": "100 * sum(sum_over_time(tier:payment_processing_success:increase[1d])) / "
                                "sum(sum_over_time(tier:payment_processing_attempts:increase[1d]))",
    },
}  # fmt: skip
"""The specification's dashboards, asked of a tier."""

RANGES = {"1 day": (1, "5m"), "7 days": (7, "1h"), "90 days": (90, "6h")}
"""Days back and step; the tier of an hour is asked for 90 days alone."""

LIMIT_SECONDS = {"1 day": 5, "7 days": 5, "90 days": 30}
TRIES = 3


def import_history(storage, step, days=DAYS, times=1):
    """Write the ``history`` of a tier to its storage; return the seconds that it took."""
    arguments = (step, int(time.time()) // step * step, days, times)
    # so that making the samples up is not measured
    for _ in history(*arguments):
        pass
    begun = time.monotonic()

    def post(first):
        lines = (line for number, line in enumerate(history(*arguments)) if number % 2 == first)
        requests.post(f"{storage.url}/api/v1/import", data=lines, timeout=900).raise_for_status()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(post, range(2)))
    seconds = time.monotonic() - begun
    requests.get(f"{storage.url}/internal/force_flush", timeout=60).raise_for_status()
    return seconds


def stored(storage, folder):
    """Return samples and bytes of a storage, once its parts are merged."""
    requests.get(f"{storage.url}/internal/force_merge", timeout=60).raise_for_status()
    until(lambda: not storage.metric("vm_active_force_merges"), "parts are merged", 300)
    data = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts)
    rows = sum(value for labels, value in storage.labelled("vm_rows") if labels["type"].startswith("storage/"))
    return rows, data


def serve(port):
    """Answer as the servers would: /1, /2, … each with the groups that are asked for."""
    groups = {group: scraped(group) for group in scraping.GROUPS}
    begun = time.time() - 3600

    async def metrics(request):
        elapsed = time.time() - begun
        return web.Response(
            text="".join(
                f"{series} {int(rate * elapsed)}\n"
                for group in request.query.getall("group[]")
                for series, rate in groups[group]
            )
        )

    async def ready(_request):
        return web.Response()

    application = web.Application()
    application.add_routes([web.get("/-/ready", ready), web.get("/{server}", metrics)])
    web.run_app(application, host="127.0.0.1", port=int(port), print=None)


def samples_a_second():
    """Return how many samples of all servers are scraped in a second."""
    return sum(SERVERS * len(scraped(group)) / seconds for group, seconds in scraping.GROUPS.items())


def live(layout):
    """Let Prometheus scrape all servers for a while and write what its rules record; print how it fared."""
    port = layout.ports.odoo
    command = [sys.executable, "-m", "tests.benchmarks.storage", "serve", str(port)]
    exporter = Server(Program("exporter", command), layout.url("odoo"), layout.state)
    rules = layout.state / "rules"
    shutil.copytree(prometheus.FOLDER / "rules", rules)
    for tiers in rules.glob("*_tiers.yml"):
        tiers.write_text(tiers.read_text().replace("interval: 5m", f"interval: {LIVE_STEP}"))
    jobs = [
        {
            "job_name": group,
            "scrape_interval": f"{seconds}s",
            "params": {"group[]": [group]},
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{port}"],
                    "labels": {"__metrics_path__": f"/{server}", "instance": f"odoo-{server}"},
                }
                for server in range(SERVERS)
            ],
        }
        for group, seconds in scraping.GROUPS.items()
    ]
    server = start_prometheus(layout, rules / "*.yml", {"scrape_configs": jobs, "alerting": {}})
    try:
        time.sleep(LIVE_SECONDS)
        [(_, series)] = server.query("sum(scrape_samples_scraped)", time.time())
        print(
            f"\nPrometheus: {series:,.0f} series scraped, {samples_a_second():,.0f} samples a second,"
            f" {server.metric('process_resident_memory_bytes') / 2**30:.1f} GiB,"
            f" {server.metric('process_cpu_seconds_total') / LIVE_SECONDS:.2f} cores"
        )
        slowest = sorted(server.labelled("prometheus_rule_group_last_duration_seconds"), key=lambda pair: -pair[1])[:3]
        for labels, seconds in slowest:
            print(f"  group of rules {labels['rule_group'].split(';')[-1]}: {seconds:.2f} s")
        for tier in victoria.TIERS:
            of_tier = {"remote_name": tier.step}
            batches = {
                float(labels["le"]): count
                for labels, count in server.labelled(
                    "prometheus_remote_storage_sent_batch_duration_seconds_bucket", of_tier
                )
            }
            [(_, samples)] = server.labelled("prometheus_remote_storage_samples_total", of_tier)
            print(
                f"  written to {tier.step}: {samples:,.0f} samples in {batches[inf]:.0f} batches,"
                f" p50 and p99 of a batch within {quantile(batches, 0.5):.3g} s and {quantile(batches, 0.99):.3g} s"
            )
    finally:
        server.kill()
        exporter.kill()


def quantile(buckets, q):
    """Return the bound of the bucket that holds a quantile of {bound: count}."""
    return min(bound for bound, count in buckets.items() if count >= q * buckets[inf])


def raw_bytes(layout):
    """Return the bytes of a raw sample: two hours of one server, as Prometheus writes them."""
    begin = int(time.time()) // 7200 * 7200 - 7200
    text = layout.state / "raw.txt"
    draw = random.Random(0)
    with text.open("w") as file:
        for group, seconds in scraping.GROUPS.items():
            for series, rate in scraped(group):
                value = 1000.0 * draw.random()
                for at in range(begin, begin + 7200, seconds):
                    value += draw.expovariate(1) * rate * seconds
                    file.write(f"{series} {int(value)} {at}\n")
        file.write("# EOF\n")
    blocks = layout.state / "blocks"
    subprocess.run(
        [prometheus.executable("promtool"), "tsdb", "create-blocks-from", "openmetrics", text, blocks],
        check=True,
        capture_output=True,
    )
    text.unlink()
    samples = sum(json.loads(path.read_text())["stats"]["numSamples"] for path in blocks.glob("*/meta.json"))
    return sum(path.stat().st_size for path in blocks.rglob("*") if path.is_file()) / samples


def ask(storage, expression, days, step):
    """Return the seconds that a query took, the slowest of ``TRIES``, and whether it was answered with series."""
    now = int(time.time())
    parameters = {
        "query": expression.format(step=step),
        "start": now - days * 86400,
        "end": now,
        "step": step,
        "nocache": 1,
    }
    seconds = []
    for _ in range(TRIES):
        begun = time.monotonic()
        answer = storage.get("/api/v1/query_range", **parameters)
        seconds.append(time.monotonic() - begun)
    return max(seconds), bool(answer["data"]["result"])


def ask_dashboards(storages):
    """Ask every query of the dashboards over each range, and print how long it took and whether it broke its limit."""
    asked = [("5m", name) for name in RANGES] + [("1h", "90 days")]
    print(f"\n{'query':58}" + "".join(f"{tier + ', ' + name:>14}" for tier, name in asked) + "   (ms)")
    for dashboard, queries in DASHBOARDS.items():
        print(dashboard)
        for title, expression in queries.items():
            row = []
            for tier, name in asked:
                seconds, answered = ask(storages[tier], expression, *RANGES[name])
                late = " !" if seconds > LIMIT_SECONDS[name] else ""
                row.append(f"{seconds * 1e3:.0f}{late}" if answered else "no data")
            print(f"  {title:56}" + "".join(f"{cell:>14}" for cell in row))


def ask_of_more(folder):
    """Print what a week of the coarser tier is with ``TIMES`` as many values of each label, and its slowest query."""
    layout = Layout(folder / "more", Ports.free())
    layout.state.mkdir()
    storage = start_victoria(layout, "victoria_1h")
    try:
        import_history(storage, STEPS["1h"], 7, TIMES)
        rows, size_bytes = stored(storage, layout.state / "victoria_1h")
        taken = {
            title: ask(storage, expression, 7, "1h")[0]
            for queries in DASHBOARDS.values()
            for title, expression in queries.items()
        }
        slowest = max(taken, key=taken.get)
        print(
            f"\n{TIMES} times the values of labels, 7 days of 1h: {sum(1 for _ in tier_series(TIMES)):,} series,"
            f" {rows:,.0f} samples, {size_bytes / 1e6:,.0f} MB,"
            f" {storage.metric('process_resident_memory_bytes') / 2**30:.1f} GiB,"
            f" slowest query: {slowest}, {taken[slowest] * 1e3:.0f} ms"
        )
    finally:
        storage.kill()


def show_cardinality():
    """Print the series of each metric: on one server, on all, in a tier, with ten times the label values, at most."""
    rows = [
        (
            metric.name,
            size(metric),
            size(metric) * SERVERS,
            size(metric, ("slot",)),
            size(metric, ("slot",), TIMES),
            bound(metric),
        )
        for metric in catalogue.METRICS.values()
    ]
    rows.sort(key=lambda row: -row[1])
    heads = ("a server", f"{SERVERS} servers", "a tier", f"{TIMES}x labels", "bound")
    print(f"\n{'metric':60}" + "".join(f"{head:>12}" for head in heads))
    for row in [
        *rows[:15],
        ("the others", *map(sum, zip(*(row[1:] for row in rows[15:]), strict=True))),
        ("all", *map(sum, zip(*(row[1:] for row in rows), strict=True))),
    ]:
        print(f"{row[0]:60}" + "".join(f"{count:>12,}" for count in row[1:]))


def main() -> None:
    show_cardinality()
    folder = Path(tempfile.mkdtemp())
    layout = Layout(folder, Ports.free())
    storages = {}
    try:
        raw = raw_bytes(layout)
        for tier in victoria.TIERS:
            storages[tier.step] = start_victoria(layout, tier.name)
        print(
            f"\n{'tier':6}{'series':>9}{'samples':>14}{'a second':>11}{'bytes a sample':>16}{'MB of 90 days':>15}"
            f"{'GB a year':>11}"
        )
        for tier in victoria.TIERS:
            storage, step = storages[tier.step], STEPS[tier.step]
            seconds = import_history(storage, step)
            rows, size_bytes = stored(storage, folder / tier.name)
            series = sum(1 for _ in tier_series())
            print(
                f"{tier.step:6}{series:>9,}{rows:>14,.0f}{rows / seconds:>11,.0f}{size_bytes / rows:>16.2f}"
                f"{size_bytes / 1e6:>15,.0f}{size_bytes / 1e9 * 365 / DAYS:>11.2f}"
            )
        print(
            f"raw: {samples_a_second():,.0f} samples a second, {raw:.2f} bytes a sample,"
            f" {samples_a_second() * 86400 * 14 * raw / 1e9:,.1f} GB of 14 days"
        )
        ask_dashboards(storages)
        live(layout)
        ask_of_more(folder)
    finally:
        for storage in storages.values():
            storage.kill()
        shutil.rmtree(folder)


if __name__ == "__main__":
    serve(*sys.argv[2:]) if sys.argv[1:2] == ["serve"] else main()
