"""All measurements, one after the other."""

from tests.benchmarks import hot_path, odoo_scrape, profile, requests, scrape

for benchmark in (hot_path, scrape, odoo_scrape, requests, profile):
    print(f"\n=== {benchmark.__doc__}")
    benchmark.main()
