"""What each end of a stage has to say is compared try by try."""

from types import SimpleNamespace

import pytest

from stack.verify import image_stages

CALL, ERROR = "api_n8n_to_aiservice_latency_seconds_count", "api_n8n_to_aiservice_errors_total"
TAKEN = "api_n8n_to_odoo_callback_latency_seconds_count"
SENT = "api_odoo_to_n8n_webhook_latency_seconds_count"


def key(name, status, endpoint="images"):
    return name, frozenset({("endpoint", endpoint), ("http_method", "POST"), ("status_code_class", status)})


class World:
    """A system whose parts return what the test sets."""

    def __init__(self, monkeypatch):
        self.tries, self.calls, self.images, self.counters = {}, [], [], {}
        monkeypatch.setattr(image_stages.n8n, "query", self.query)
        monkeypatch.setattr(image_stages.Stages, "_access_log", lambda _self: dict(self.tries))
        monkeypatch.setattr(image_stages.reconcile, "exposed", lambda *_: {})
        monkeypatch.setattr(image_stages.reconcile, "exposed_by_n8n", lambda *_: dict(self.counters))
        monkeypatch.setattr(image_stages.reconcile, "stored", lambda *_: dict(self.counters))
        self.stages = image_stages.Stages(SimpleNamespace(layout=None), SimpleNamespace(call=self.call))

    def query(self, _layout, _statement):
        return list(self.calls)

    def call(self, _model, method, *_arguments, **_options):
        return {"search": [], "search_count": len(self.images), "search_read": self.images}[method]

    def rows(self):
        return {
            (line.fact, line.labels["status_code_class"]): (line.rows, line.counter) for line in self.stages.lines()
        }


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def test_the_access_log_is_what_the_ai_service_was_asked(world):
    world.tries = {"1": "200", "2": "500", "3": "none"}
    world.counters = {key(CALL, "2xx"): 1.0, key(CALL, "5xx"): 1.0, key(CALL, "timeout"): 1.0,
                      key(ERROR, "5xx"): 1.0, key(ERROR, "timeout"): 1.0}  # fmt: skip
    assert world.rows() == {
        (CALL, "2xx"): (1, 1), (CALL, "5xx"): (1, 1), (CALL, "timeout"): (1, 1),
        (ERROR, "5xx"): (1, 1), (ERROR, "timeout"): (1, 1),
    }  # fmt: skip


def test_a_call_that_n8n_did_not_see_the_end_of_is_not_held_against_it(world):
    world.tries = {"1": "200"}
    world.calls = [("1", "image", "api_n8n_to_aiservice", "images", "interrupted")]
    world.counters = {key(ERROR, "interrupted"): 1.0}
    assert world.rows() == {(ERROR, "interrupted"): (1, 1)}


def test_a_call_that_began_before_counts_if_it_is_given_up_afterwards(world):
    api, endpoint = "api_n8n_to_aiservice", "images"
    world.tries = {"1": "200", "2": "none"}
    world.calls = [("1", "image", api, endpoint, "2xx"), ("2", "image", api, endpoint, None)]
    world.stages = image_stages.Stages(world.stages._system, world.stages._admin)
    world.calls[1] = ("2", "image", api, endpoint, "interrupted")
    world.counters = {key(ERROR, "interrupted"): 1.0}
    assert world.rows() == {(ERROR, "interrupted"): (1, 1)}


def test_a_try_that_n8n_forgot_disagrees(world):
    world.tries = {"1": "200", "2": "200"}
    world.counters = {key(CALL, "2xx"): 1.0}
    assert world.rows() == {(CALL, "2xx"): (2, 1)}


def test_callbacks_are_images_that_odoo_has_ended(world):
    world.images = [{"uuid": "a"}, {"uuid": "b"}]
    world.calls = [
        (call, image, "api_n8n_to_odoo_callback", "image_callback", status)
        for call, image, status in (("1", "a", "5xx"), ("2", "a", "2xx"), ("3", "b", "2xx"), ("4", "unknown", "2xx"))
    ]
    world.counters = {key(TAKEN, "2xx", "image_callback"): 3.0, key(TAKEN, "5xx", "image_callback"): 1.0}
    rows = world.rows()
    assert rows[TAKEN, "2xx"] == (2, 3)
    assert rows[TAKEN, "5xx"] == (1, 1)
    assert rows[SENT, "2xx"] == (2, 0)


def test_what_was_before_does_not_count(world):
    world.counters = {key(CALL, "2xx"): 7.0}
    world.tries = dict.fromkeys("1234567", "200")
    later = image_stages.Stages(world.stages._system, world.stages._admin)
    assert later.lines() == []
