"""All measurements, one after the other."""

from tests.benchmarks import (
    hot_path,
    image_path,
    odoo_scrape,
    profile,
    registration,
    requests,
    rows,
    scrape,
    storage,
    tracing,
)

for benchmark in (
    hot_path, scrape, odoo_scrape, requests, profile, registration, rows, tracing, image_path, storage,
):  # fmt: skip
    print(f"\n=== {benchmark.__doc__}")
    benchmark.main()
