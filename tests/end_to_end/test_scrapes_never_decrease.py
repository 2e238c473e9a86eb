"""Whichever worker answers, and however many came and went: no counter is ever seen to go back."""

from .pressure import RECYCLINGS, SCRAPES


def test_no_counter_goes_back(pressure):
    assert pressure.scraper["faults"] == []
    assert pressure.scraper["scrapes"] >= SCRAPES
    assert pressure.scraper["series"] > 100


def test_many_workers_answered(pressure):
    assert len(pressure.answering) > RECYCLINGS / 2
