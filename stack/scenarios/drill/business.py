"""Light ordinary business: a few influencers, one of whom asks for an image every few seconds."""

import contextlib
import itertools
import threading
from uuid import uuid4

import requests

from stack.scenarios.demo import wait
from stack.scenarios.drill.faults import behaving
from stack.scenarios.portal import Influencer, picture
from stack.scenarios.traffic import administrator
from stack.system import System

# Each may have 50 images a day.
PEOPLE = 3
# Too few calls for WebhookSlow and CallbackSlow, which need five in 15 s; AiServiceSlow has no minimum.
EVERY_SECONDS = 4


class Business:
    """Registers the influencers; they ask for images from the beginning of a `with` block to its end."""

    def __init__(self, system: System):
        admin = administrator(system)
        self._people = [Influencer(system.url("odoo")) for _number in range(PEOPLE)]
        with behaving("kyc", outcomes={"approved": 1, "rejected": 0, "referred": 0})(system):
            for person in self._people:
                person.register_by_api()
                [user] = admin.call("res.users", "search", [("login", "=", person.email)])
                password = uuid4().hex
                admin.call("res.users", "write", [user], {"password": password})
                person.log_in(password)
                person.upload_document(picture())
            active = [("email", "in", [person.email for person in self._people]), ("state", "=", "active")]
            wait(lambda: admin.call("influencegen.influencer", "search_count", active) == PEOPLE, 300,
                 "The influencers are not verified")  # fmt: skip

    def __enter__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        for person in itertools.cycle(self._people):
            # failures that a fault causes are expected here
            with contextlib.suppress(requests.RequestException):
                person.request_image("sdxl", "A poster of a lighthouse")
            if self._stop.wait(EVERY_SECONDS):
                return
