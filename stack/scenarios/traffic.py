"""Mixed business, driven as real users would: influencers on the portal, staff in the back office, both at once."""

import contextlib
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from uuid import uuid4

import requests

from stack.layout import Layout
from stack.scenarios.portal import Influencer, NotLoggedInError, picture, too_young
from stack.services.odoo_client import OdooClient, RefusedError
from stack.system import System

INFLUENCERS = 5
# Above this number of influencers, registrations become rarer.
ENOUGH = 8
STAFF = ("manager", "reviewer", "finance")
# Brand, campaign and fee; the last one's applications are all rolled back.
CAMPAIGNS = (
    ("Lumen Skincare", "Lumen: summer skin", 450),
    ("Fjellro Outdoor", "Fjellro: three peaks", 1200),
    ("Kaito Kitchenware", "Kaito: one-pot week", 380),
    ("Verde Bikes", "Rolled back", 250),
)
MODELS = ("flux-schnell", "sdxl", "flux-dev")
SUBJECTS = ("cat", "tree", "city")
GROUPS = {
    "manager": "group_campaign_manager",
    "reviewer": "group_kyc_reviewer",
    "finance": "group_finance",
}


class Traffic:
    """Threads that generate traffic until they are stopped, and counts of what they did.

    `attempts` counts the registrations sent: they leave no row when they fail, so only their sender knows them.
    """

    def __init__(self, system: System):
        self.url = system.url("odoo")
        self.layout = system.layout
        self.admin = administrator(system)
        self.attempts = 0
        self.done: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._countable = threading.Semaphore(INFLUENCERS)
        self._people: queue.SimpleQueue[Influencer] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._staff = {role: self._staff_client(role) for role in STAFF}
        *self.campaigns, self._never_kept = self._open_campaigns()

    def start(self) -> None:
        """Start all threads."""
        for _number in range(INFLUENCERS):
            self._run(self._be_influencer, OdooClient(self.url, "admin", self.layout.secret("admin")))
        for role in STAFF:
            self._run(getattr(self, f"_be_{role}"), self._staff[role])

    def stop(self) -> None:
        """Let every thread finish what it is at, and wait for it."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause registrations and image requests: until they are counted, only the memory of a worker has them."""
        for _number in range(INFLUENCERS):
            self._countable.acquire()
        try:
            yield
        finally:
            self._countable.release(INFLUENCERS)

    def _run(self, work: Callable[[OdooClient], str | None], client: OdooClient) -> None:
        def loop() -> None:
            while not self._stop.is_set():
                try:
                    what = work(client)
                except RefusedError:
                    what = "refused"
                except (requests.RequestException, NotLoggedInError):
                    what = "connection lost"
                if what:
                    with self._counting:
                        self.done[what] += 1
                else:
                    self._stop.wait(0.5)

        thread = threading.Thread(target=loop, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _be_influencer(self, operator: OdooClient) -> str | None:
        if random.random() < (0.1 if self._people.qsize() >= ENOUGH else 0.3):
            return self._register(operator)
        try:
            person = self._people.get_nowait()
        except queue.Empty:
            return self._register(operator)
        try:
            return self._next_step(person)
        finally:
            self._people.put(person)

    def _register(self, operator: OdooClient) -> str:
        person = random.choice([
            Influencer(self.url),
            Influencer(self.url),
            Influencer(self.url),
            Influencer(self.url, birthdate=too_young()),
            Influencer(self.url, email="nobody"),
            Influencer(self.url, email="twice@example.com"),
            Influencer(self.url, consent=False),
        ])  # fmt: skip
        with self._countable:
            accepted = random.choice([person.register_by_form, person.register_by_api])()
            with self._counting:
                self.attempts += 1
        if not accepted:
            return "registration refused"
        password = uuid4().hex
        [user] = operator.call("res.users", "search", [("login", "=", person.email)])
        operator.call("res.users", "write", [user], {"password": password})
        person.log_in(password)
        self._people.put(person)
        return "registration"

    def _next_step(self, person: Influencer) -> str:
        if not person.has_document:
            if random.random() < 0.2:
                accepted = person.upload_document(b"not a document")
            else:
                accepted = person.upload_document(picture())
            return "document" if accepted else "document refused"
        if person.applications and random.random() < 0.4:
            accepted = person.submit_content(random.choice(person.applications))
            return "content" if accepted else "content refused"
        if random.random() < 0.5:
            accepted = person.apply(random.choice(self.campaigns))
            return "application" if accepted else "application refused"
        with self._countable:
            accepted = person.request_image(random.choice(MODELS), f"A poster of a {random.choice(SUBJECTS)}")
        return "image" if accepted else "image refused"

    def _be_manager(self, client: OdooClient) -> str | None:
        if not self.done["unhandled error"]:
            return self._cause_an_error(client)
        if random.random() < 0.2:
            return self._fail_halfway(client)
        for model in ("influencegen.application", "influencegen.content"):
            found = client.call(model, "search", [("state", "=", "submitted")], limit=1)
            if found:
                refuse = "action_decline" if model.endswith("application") else "action_reject"
                client.call(model, "action_accept" if random.random() < 0.8 else refuse, found)
                return "decision of the manager"
        return None

    def _cause_an_error(self, client: OdooClient) -> str:
        """Search by a field that does not exist, as an outdated client would, so that Odoo logs a traceback."""
        with contextlib.suppress(RefusedError):
            client.call("influencegen.campaign", "search", [("no_longer_a_field", "=", True)])
        return "unhandled error"

    def _fail_halfway(self, client: OdooClient) -> str | None:
        """Create applications of which the last is refused by the database, so that none of them may remain."""
        taken = client.call(
            "influencegen.application", "search_read", [("influencer_id.state", "=", "active")],
            ["campaign_id", "influencer_id"], limit=1,
        )  # fmt: skip
        if not taken:
            return None
        application = {"campaign_id": self._never_kept, "influencer_id": taken[0]["influencer_id"][0]}
        with contextlib.suppress(RefusedError):
            client.call("influencegen.application", "create", [application, application])
        return "rollback"

    def _be_reviewer(self, client: OdooClient) -> str | None:
        found = client.call("influencegen.kyc", "search", [("state", "=", "review")], limit=1)
        if not found:
            return None
        if random.random() < 0.8:
            client.call("influencegen.kyc", "action_approve", found)
        else:
            client.call("influencegen.kyc", "action_reject", found, "The picture is blurred.")
        return "review"

    def _be_finance(self, client: OdooClient) -> str | None:
        found = client.call("influencegen.payment", "search", [("state", "in", ("pending", "failed"))], limit=1)
        if not found:
            return None
        client.call("influencegen.payment", "write", found, {"provider": random.choice(["http", "http", "manual"])})
        client.call("influencegen.payment", "action_pay", found)
        return "payment"

    def _staff_client(self, role: str) -> OdooClient:
        login, password = f"demo.{role}", self.layout.secret("staff")
        create_staff(self.admin, GROUPS[role], name=f"Demo {role}", login=login, password=password)
        return OdooClient(self.url, login, password)

    def _open_campaigns(self) -> list[int]:
        manager = self._staff["manager"]
        stamp = time.strftime("%H:%M:%S")
        campaigns = [
            manager.call("influencegen.campaign", "create", self._campaign(brand, f"{name} {stamp}", fee))
            for brand, name, fee in CAMPAIGNS
        ]
        manager.call("influencegen.campaign", "action_open", campaigns)
        return campaigns

    def _campaign(self, brand: str, name: str, fee: int) -> dict[str, str | int]:
        values = {"name": brand, "is_company": True}
        known = self.admin.call("res.partner", "search", [("name", "=", brand)], limit=1)
        return {"name": name, "brand_id": (known or [self.admin.call("res.partner", "create", values)])[0], "fee": fee}


def create_staff(admin: OdooClient, group: str, **values: str) -> None:
    """Make a user of a group of the platform, or bring the one of that login up to date.

    group: the external id of the group, within the platform's addon.
    values: name, login and password.
    """
    groups = "group_ids" if "group_ids" in admin.call("res.users", "fields_get", [], ["type"]) else "groups_id"
    reference = [("module", "=", "influencegen"), ("name", "=", group)]
    [known] = admin.call("ir.model.data", "search_read", reference, ["res_id"])
    user = {**values, groups: [(4, known["res_id"])]}
    found = admin.call("res.users", "search", [("login", "=", values["login"])])
    if found:
        admin.call("res.users", "write", found, user)
    else:
        admin.call("res.users", "create", user)


def administrator(system: System) -> OdooClient:
    """Log in as Odoo's administrator."""
    return OdooClient(system.url("odoo"), "admin", password(system.layout))


def password(layout: Layout) -> str:
    """Return the administrator's password."""
    return layout.secret("admin")
