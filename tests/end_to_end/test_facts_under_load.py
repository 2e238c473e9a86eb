"""What happened is what is counted, and what Prometheus has, whatever happens to the workers meanwhile."""

import pytest

from stack.verify import reconcile


@pytest.fixture(params=["calm", "killed"])
def stage(pressure, request):
    return getattr(pressure, request.param)


def test_every_fact_agrees(stage):
    assert all(line.agrees for line in stage.lines), "\n" + reconcile.table(
        line for line in stage.lines if not line.agrees
    )


def test_every_fact_happened(stage):
    happened = {line.fact for line in stage.lines if line.rows}
    facts = {metric.name for metric in reconcile.COUNTERS}
    assert facts <= happened


def test_no_client_fails_while_nobody_is_killed(pressure):
    assert pressure.calm.load.failures == []


def test_attempts_are_what_the_clients_made(pressure):
    calm = pressure.calm
    assert calm.attempts - calm.attempts_before == calm.load.attempts


def test_attempts_are_bounded_by_what_the_clients_made_when_workers_are_killed(pressure):
    """A client whose worker was killed can't tell whether its attempt was made."""
    killed = pressure.killed
    counted, broken = killed.attempts - killed.attempts_before, killed.load.outcomes["register", "broken"]
    assert killed.load.attempts <= counted <= killed.load.attempts + broken


def test_rows_are_what_the_clients_were_answered(pressure):
    calm = pressure.calm
    assert calm.rows - calm.rows_before == calm.load.registered


def test_the_load_was_as_hard_as_it_should_be(pressure):
    outcomes = pressure.calm.load.outcomes
    registrations = outcomes["register", "done"] + outcomes["register", "refused"]
    assert 0.2 < outcomes["register", "refused"] / registrations < 0.5
    assert outcomes["transact", "refused"]
