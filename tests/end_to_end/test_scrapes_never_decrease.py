"""Whichever worker answers, and however many came and went: no counter is ever seen to go back."""

from .pressure import RECYCLINGS, SCRAPERS, SCRAPES


def test_no_counter_goes_back(pressure):
    assert [scraper["faults"] for scraper in pressure.scrapers] == [[]] * SCRAPERS
    assert all(scraper["scrapes"] >= SCRAPES / SCRAPERS for scraper in pressure.scrapers)
    assert all(scraper["series"] > 100 for scraper in pressure.scrapers)


def test_many_workers_answered(pressure):
    assert len(pressure.answering) > RECYCLINGS / 2
