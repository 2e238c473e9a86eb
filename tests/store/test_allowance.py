"""What a sender may still send within a minute."""

import pytest

from .processes import run


@pytest.fixture
def allowance(tmp_path):
    """A table of its own."""
    from odoo_telemetry.metrics.allowance import Allowance

    return Allowance(tmp_path / "allowance")


def test_no_more_than_it_may(allowance):
    assert [allowance.take("ada", 2, 5, now=60) for _ in range(3)] == [True, True, False]
    assert allowance.take("ada", 1, 5, now=119)
    assert not allowance.take("ada", 1, 5, now=119)


def test_the_next_minute_is_a_new_one(allowance):
    assert allowance.take("ada", 5, 5, now=119)
    assert allowance.take("ada", 5, 5, now=120)


def test_senders_have_their_own(allowance):
    assert allowance.take("ada", 5, 5, now=60)
    assert allowance.take("bob", 5, 5, now=60)


def test_workers_share_it(allowance):
    def worker():
        assert allowance.take("ada", 3, 5, now=60)

    assert run(worker) == 0
    assert allowance.take("ada", 2, 5, now=60)
    assert not allowance.take("ada", 1, 5, now=60)


def test_its_file_does_not_grow(allowance):
    size = allowance.path.stat().st_size
    for number in range(50_000):
        allowance.take(f"sender {number}", 1, 5, now=60)
    assert allowance.path.stat().st_size == size < 1 << 20


def test_a_file_that_was_deleted_is_lost(allowance):
    assert not allowance.lost()
    allowance.path.unlink()
    assert allowance.lost()
