import pytest

ATTEMPTS = "influencer_registration_attempts_total"


@pytest.fixture
def attempts(store):
    from odoo_telemetry.metrics import attempts

    return attempts


def test_a_repeated_request_counts_its_attempts_once(attempts, total):
    scope = attempts.Scope()
    for _try in range(5):
        scope.restart()
        with attempts.scope(scope):
            attempts.count(ATTEMPTS, database="db")
            attempts.count(ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 2


def test_a_repetition_that_comes_further_counts_what_is_new(attempts, total):
    scope = attempts.Scope()
    for number in (1, 3, 2):
        scope.restart()
        with attempts.scope(scope):
            for _ in range(number):
                attempts.count(ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 3


def test_attempts_outside_a_request_all_count(attempts, total):
    for _ in range(3):
        attempts.count(ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 3


def test_two_requests_count_apart(attempts, total):
    for _request in range(2):
        with attempts.scope(attempts.Scope()):
            attempts.count(ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 2
