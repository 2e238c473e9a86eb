import pytest

from influencegen_telemetry.business.metrics import REGISTRATION_ATTEMPTS

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
            attempts.count(REGISTRATION_ATTEMPTS, database="db")
            attempts.count(REGISTRATION_ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 2


def test_a_repetition_that_comes_further_counts_what_is_new(attempts, total):
    scope = attempts.Scope()
    for number in (1, 3, 2):
        scope.restart()
        with attempts.scope(scope):
            for _ in range(number):
                attempts.count(REGISTRATION_ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 3


def test_attempts_outside_a_request_all_count(attempts, total):
    for _ in range(3):
        attempts.count(REGISTRATION_ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 3


def test_two_requests_count_apart(attempts, total):
    for _request in range(2):
        with attempts.scope(attempts.Scope()):
            attempts.count(REGISTRATION_ATTEMPTS, database="db")
    assert total(ATTEMPTS) == 2
