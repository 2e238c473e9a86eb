"""The AI image path of the running system: asking for images, disturbing n8n, and comparing the stages at the end."""

import os
import signal
from contextlib import suppress

import requests

from stack.services import n8n
from stack.services.odoo_client import OdooClient
from stack.system import answers
from stack.verify import reconcile
from stack.verify.image_stages import FINAL, IMAGE, Stages, last_image
from tests.waiting import until

from .load import behave
from .pressure import ATTEMPTS, value

# Short enough to see an execution given up, taken over, and the breaker open and close.
LIMITS = {
    "ai_tries": 4,
    "ai_timeout_seconds": 3,
    "callback_timeout_seconds": 10,
    "callback_seconds": 1_200,
    "backoff_seconds": 0.2,
    "backoff_max_seconds": 1,
    "breaker_failures": 1_000,
    "breaker_open_seconds": 5,
    "lease_margin_seconds": 5,
}
HEALTHY = {
    "latency": {"median": 0.05, "sigma": 0.2},
    **dict.fromkeys(("fail_rate", "timeout_rate", "garbage_rate", "truncated_rate", "html_rate", "huge_rate"), 0),
}


class ImagePath:
    """The path as it is from now on, at rest when this is made."""

    def __init__(self, system, back_office):
        self.system = system
        self.admin = OdooClient(system.url("odoo"), "admin", system.layout.secret("admin"))
        self._person = next(iter(back_office.influencers.values()))
        self.back_office = back_office
        self.close_breaker()
        self._stages = Stages(system, self.admin)
        self._first = last_image(self.admin)

    def limit(self, **limits):
        """Change limits of the workflows."""
        n8n.limit(self.system.layout, **limits)

    def ai(self, **control):
        """Tell the AI service how to behave."""
        behave(self.system, "ai", **control)

    def query(self, statement):
        """Return the rows of a statement in n8n's database."""
        return n8n.query(self.system.layout, statement)

    def close_breaker(self):
        """Close the circuit breaker of the workflows."""
        self.query("UPDATE influencegen.breaker SET failures = 0, open_until = NULL, probe = NULL, probe_until = NULL")

    def ask(self, person=None):
        """Ask for an image as an influencer does and return the id of the request."""
        person = person or self._person
        return person.submit("/my/influencegen/images", model="sdxl", prompt="A lighthouse")["request_id"]

    def images(self, *domain):
        """Return the images asked for since, as dictionaries."""
        return self.admin.call(IMAGE, "search_read", [("id", ">", self._first), *domain], ["uuid", "state", "error"])

    def state(self, image):
        """Return the state of an image by its request's id."""
        [found] = self.images(("uuid", "=", image))
        return found["state"]

    def until_done(self, *images, seconds=60):
        """Wait until these images are there."""
        until(lambda: all(self.state(image) == "done" for image in images), "the images are there", seconds)

    def settle(self, seconds=120):
        """Wait until every image has come to its end and n8n has nothing left to do."""
        until(
            lambda: not self.images(("state", "not in", FINAL)) and n8n.idle(self.system.layout),
            "every image ended", seconds,
        )  # fmt: skip

    def exposed(self, name, **labels):
        """Return what n8n's metrics say of a counter or a gauge, all its series together that have these labels."""
        return _total(reconcile.exposed_by_n8n(self.system, [name]), labels)

    def stored(self, name, **labels):
        """Return what Prometheus says of it."""
        return _total(reconcile.stored(self.system, [name]), labels)

    def kill_n8n(self, meanwhile=lambda: None):
        """Kill n8n as the kernel would, call ``meanwhile()``, and wait until n8n has been restarted and answers."""
        before = self.system.processes.pid("n8n")
        os.kill(before, signal.SIGKILL)
        meanwhile()
        until(lambda: self.system.processes.pid("n8n") not in (0, before), "n8n is started again")
        until(lambda: n8n.answers(self.system.layout), "n8n answers again", 120)

    def webhook(self, body, headers):
        """Post a webhook to n8n and return the response."""
        return requests.post(
            self.system.url("n8n", n8n.WEBHOOK), data=body, timeout=30,
            headers={"Content-Type": "application/json", **headers},
        )  # fmt: skip

    def without_odoo(self, during):
        """Stop Odoo, call ``during()``, and start it again."""
        processes = self.system.processes
        processes.stop("odoo")
        try:
            during()
        finally:
            processes.start("odoo")
            until(lambda: answers(self.system.url("odoo", "/web/login")), "Odoo answers again", 120)

    def assert_agreed(self):
        """Fail unless every image has ended, and each fact and each stage agrees in rows, counters and Prometheus."""
        self.settle()
        attempts, lines = value(self.system, ATTEMPTS), []

        def agree():
            lines[:] = reconcile.compare(self.system, self.admin, {ATTEMPTS: attempts}) + self._stages.lines()
            return all(line.agrees for line in lines)

        with suppress(AssertionError):
            until(agree, "all agree")
        print(f"\n{reconcile.table(lines)}")
        assert all(line.agrees for line in lines)
        until(lambda: not self.exposed("n8n_workflow_active_executions"), "n8n's executions have ended")


def _total(found, labels):
    return sum(number for (_name, series), number in found.items() if labels.items() <= set(series))
