"""All measurements, one after the other."""

from tests.benchmarks import hot_path, image_path, odoo_scrape, profile, requests, scrape, storage, tracing

for benchmark in (hot_path, scrape, odoo_scrape, requests, profile, tracing, image_path, storage):
    print(f"\n=== {benchmark.__doc__}")
    benchmark.main()
