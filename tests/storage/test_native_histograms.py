"""A wide histogram as a native one with custom buckets: a series, the same p95, and `_bucket` where both are kept."""

import time

import pytest

from tests.storage.native_histograms import CLASSIC, LABELS, NAME, NATIVE, running, series
from tests.waiting import until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """A Prometheus for each way to keep the histogram, with some seconds of it."""
    with running(tmp_path_factory.mktemp("histograms")) as servers:
        for mode, server in servers.items():
            query = CLASSIC if mode == "classic" else NATIVE
            until(lambda server=server, query=query: server.query(query, time.time()), f"{mode}: p95")
        yield servers


def test_a_native_histogram_is_one_series(servers):
    classic, native, both = (series(servers[mode]) for mode in ("classic", "native", "both"))
    assert native == len(LABELS)
    # a series for each of 12 buckets, for +Inf, the sum and the count
    assert classic == 15 * len(LABELS)
    assert both == classic + native


def test_p95_is_the_same(servers):
    at = time.time()
    classic, native = (dict_of(servers["both"].query(query, at)) for query in (CLASSIC, NATIVE))
    assert classic and native == pytest.approx(classic)


def test_queries_of_buckets_work_where_both_are_kept_and_find_nothing_where_not(servers):
    found = {mode: bool(server.query(f"{NAME}_bucket", time.time())) for mode, server in servers.items()}
    assert found == {"classic": True, "native": False, "both": True}


def dict_of(result):
    return {labels["route"]: value for labels, value in result}
