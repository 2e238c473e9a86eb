import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.waiting import until

SUBMISSION = {
    "reference": "kyc-1",
    "name": "Ada",
    "birthdate": "1990-01-01",
    "document_type": "passport",
    "document": base64.b64encode(b"%PDF").decode(),
}
TRANSFER = {"reference": "pay-1", "amount": 120.5, "currency": "EUR", "recipient": "Ada"}


@pytest.fixture
def provider(start):
    provider = start("kyc_provider")
    provider.control()
    return provider


def pay(provider, key="key-1", timeout=10, **change):
    return provider.post("/payments/transfer", {**TRANSFER, **change}, timeout, headers={"Idempotency-Key": key})


@pytest.mark.parametrize("step", ["document", "identity"])
@pytest.mark.parametrize("outcome", ["approved", "rejected", "referred"])
def test_outcomes_follow_their_probabilities(provider, step, outcome):
    provider.control(outcomes={**dict.fromkeys(("approved", "rejected", "referred"), 0), outcome: 1})
    assert provider.post(f"/verify/{step}", SUBMISSION).json()["outcome"] == outcome


def test_outcomes_mix(provider):
    provider.control(outcomes={"approved": 0.5, "rejected": 0.25, "referred": 0.25})
    outcomes = Counter(provider.post("/verify/document", SUBMISSION).json()["outcome"] for _ in range(60))
    assert outcomes.keys() == {"approved", "rejected", "referred"}


@pytest.mark.parametrize("change", [{"reference": ""}, {"name": None}, {"document": "not base64!"}, {"document": None}])
def test_an_incomplete_submission_is_refused(provider, change):
    assert provider.post("/verify/document", {**SUBMISSION, **change}).status_code == 400


def test_an_unknown_step_is_not_found(provider):
    assert provider.post("/verify/horoscope", SUBMISSION).status_code == 404


def test_garbage_is_not_an_outcome(provider):
    provider.control(garbage_rate=1)
    for _ in range(20):
        try:
            answer = provider.post("/verify/document", SUBMISSION).json()
        except requests.JSONDecodeError:
            continue
        assert "outcome" not in answer


def test_a_key_moves_money_once_whatever_happens_to_the_answers(provider):
    provider.control(payments={"paid": 1, "failed": 0}, timeout_rate=1)
    provider.abandon("/payments/transfer", TRANSFER, headers={"Idempotency-Key": "key-1"})
    provider.control(timeout_rate=0, fail_rate=0.5)
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: pay(provider), range(24)))
    answers = [response.json() for response in responses if response.ok]
    assert answers == [{"status": "paid", "error": None}] * len(answers) != []
    log = until(
        lambda: (log := provider.get("/log"))["requests"]["/payments/transfer"].get("none") and log,
        "the unanswered request in the log",
    )
    assert log["money_moved"] == 1
    assert log["transfers"]["key-1"] == {"order": TRANSFER, "status": "paid", "requests": 1 + len(answers)}


def test_each_key_moves_its_own_money(provider):
    provider.control(payments={"paid": 1, "failed": 0})
    for key in "abc":
        pay(provider, key)
    assert provider.get("/log")["money_moved"] == 3


def test_a_failed_transfer_moves_nothing_and_stays_failed(provider):
    provider.control(payments={"paid": 0, "failed": 1})
    first = pay(provider).json()
    assert first["status"] == "failed" and first["error"]
    provider.control(payments={"paid": 1, "failed": 0})
    assert pay(provider).json() == first
    assert provider.get("/log")["money_moved"] == 0


def test_a_key_belongs_to_one_transfer(provider):
    pay(provider)
    assert pay(provider, amount=1).status_code == 422


def test_a_transfer_without_key_or_amount_is_refused(provider):
    assert provider.post("/payments/transfer", TRANSFER).status_code == 400
    assert pay(provider, amount=0).status_code == 400
    assert pay(provider, recipient="").status_code == 400


def test_transfers_outlive_a_restart(start, tmp_path):
    first = start("kyc_provider", "--state-dir", str(tmp_path))
    first.control(payments={"paid": 1, "failed": 0})
    pay(first)
    first.stop()
    second = start("kyc_provider", "--state-dir", str(tmp_path))
    second.control(payments={"paid": 0, "failed": 1})
    assert pay(second).json()["status"] == "paid"
    assert second.get("/log")["money_moved"] == 1
