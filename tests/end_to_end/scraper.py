"""Scrapes over several connections at once, and reports each counter that went back, or away.

Started as a program of its own, so that it competes with the clients for no interpreter. A counter is compared with
the largest value in any answer that was complete before the scrape began. The program prints a line once it has made
``--scrapes`` scrapes, and goes on until its standard input ends; then it prints what it saw as JSON.
"""

import argparse
import json
import os
import sys
import threading

import requests
from prometheus_client.parser import text_string_to_metric_families

CUMULATIVE = ("counter", "histogram")
CUT = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
"""How a scrape ends whose worker is killed."""


class Scraper:
    """The scrapes of one address."""

    def __init__(self, url, token):
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._lock = threading.Lock()
        self._largest = {}
        self.scrapes = self.broken = 0
        self.faults = []
        self.ended = threading.Event()

    def work(self, enough):
        """Scrape without a pause until there were ``enough`` scrapes, say so, and then once a second until the end."""
        while not self.ended.wait(0 if self.scrapes < enough else 1):
            if self.scrape() == enough:
                print("enough", flush=True)

    def scrape(self):
        """Scrape once, and compare; return the number of scrapes so far, or None if this one failed."""
        with self._lock:
            floor = dict(self._largest)
        try:
            response = requests.get(self._url, headers=self._headers, timeout=30)
            response.raise_for_status()
        except requests.RequestException as exception:
            with self._lock:
                self.broken += 1
                if not isinstance(exception, CUT):
                    self.faults.append(repr(exception))
            return None
        found = counters(response.text)
        faults = [
            f"{name}{dict(labels)}: {value} and then {found.get((name, labels))}"
            for (name, labels), value in floor.items()
            if found.get((name, labels), -1) < value
        ]
        with self._lock:
            self.scrapes += 1
            self.faults += faults
            for series, value in found.items():
                self._largest[series] = max(value, self._largest.get(series, value))
            return self.scrapes

    def report(self):
        """Return what was seen, as JSON."""
        return json.dumps({
            "scrapes": self.scrapes, "broken": self.broken, "series": len(self._largest), "faults": self.faults[:50],
        })  # fmt: skip


def counters(text):
    """Return {(name, labels): value} of everything in an exposition that must never decrease."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        if family.type in CUMULATIVE
        for sample in family.samples
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--scrapes", type=int, required=True)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    scraper = Scraper(options.url, os.environ["SCRAPE_TOKEN"])
    threads = [threading.Thread(target=scraper.work, args=(options.scrapes,)) for _ in range(options.connections)]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    scraper.ended.set()
    for thread in threads:
        thread.join()
    print(scraper.report())


if __name__ == "__main__":
    main()
