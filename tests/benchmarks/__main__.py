"""All measurements but many_servers, one after the other."""

from tests.benchmarks import (
    hot_path,
    image_path,
    instructions,
    many_databases,
    odoo_scrape,
    profile,
    registration,
    requests,
    rows,
    samples,
    scrape,
    storage,
    tracing,
)

for benchmark in (
    hot_path, scrape, samples, odoo_scrape, many_databases, requests, profile, registration, rows, tracing, image_path,
    storage, instructions,
):  # fmt: skip
    print(f"\n=== {benchmark.__doc__}")
    benchmark.main()
