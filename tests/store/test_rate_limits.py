"""Rate limits: how much a sender may send within a minute."""

import pytest

from .processes import run


@pytest.fixture
def limits(tmp_path):
    """A table of its own."""
    from odoo_telemetry.metrics.rate_limits import RateLimits

    return RateLimits(tmp_path / "limits")


def test_no_more_than_it_may(limits):
    assert [limits.take("ada", 2, 5, now=60) for _ in range(3)] == [True, True, False]
    assert limits.take("ada", 1, 5, now=119)
    assert not limits.take("ada", 1, 5, now=119)


def test_the_next_minute_is_a_new_one(limits):
    assert limits.take("ada", 5, 5, now=119)
    assert limits.take("ada", 5, 5, now=120)


def test_senders_have_their_own(limits):
    assert limits.take("ada", 5, 5, now=60)
    assert limits.take("bob", 5, 5, now=60)


def test_workers_share_it(limits):
    def worker():
        assert limits.take("ada", 3, 5, now=60)

    assert run(worker) == 0
    assert limits.take("ada", 2, 5, now=60)
    assert not limits.take("ada", 1, 5, now=60)


def test_its_file_does_not_grow(limits):
    size = limits.path.stat().st_size
    for number in range(50_000):
        limits.take(f"sender {number}", 1, 5, now=60)
    assert limits.path.stat().st_size == size < 1 << 20


def test_a_file_that_was_deleted_is_lost(limits):
    assert not limits.lost()
    limits.path.unlink()
    assert limits.lost()
