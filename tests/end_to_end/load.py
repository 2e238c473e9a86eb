"""Business under load: what many clients do at the same time, three in ten of their attempts wrong on purpose."""

import io
import random
import threading
import uuid
from collections import Counter

import requests
from PIL import Image

from tests.waiting import until

from .client import Client, Refused

WRONG = (
    {"consent": False},
    {"birthdate": "2020-01-01"},
    {"birthdate": "soon"},
    {"name": " "},
    {"email": "nobody"},
)
SHARE_WRONG = 0.3


def address():
    """Return an e-mail address that nobody has used."""
    return f"{uuid.uuid4().hex}@example.com"


def document():
    """Return an identity document as a form takes it."""
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(content, "PNG")
    return {"document": ("passport.png", content.getvalue(), "image/png")}


def behave(system, name, **control):
    """Tell a simulator how to behave, by the name of its port."""
    headers = {"Authorization": f"Bearer {system.layout.secret('control')}"}
    requests.put(system.url(name, "/control"), json=control, headers=headers, timeout=10).raise_for_status()


class BackOffice:
    """What the business needs before it can be busy: an administrator, campaigns, and active influencers.

    :param url: the address of the server
    :param database: the database to work in
    """

    def __init__(self, system, url, database, influencers=0, campaigns=0):
        self.database = database
        self.admin = Client(url, database).log_in(database, "admin", system.layout.secret("admin"))
        self.campaigns = self._open_campaigns(campaigns)
        behave(system, "kyc", outcomes={"approved": 1, "rejected": 0, "referred": 0}, fail_rate=0)
        self.influencers = dict(self._influencer() for _ in range(influencers))
        until(self._all_active, "the influencers are active")

    def parameter(self, name, value):
        """Set a configuration parameter."""
        self.admin.call("ir.config_parameter", "set_param", name, str(value))

    def _influencer(self):
        person = Client(self.admin.url, self.database)
        influencer = self.register_person(person, address())
        self.submit_document(person, influencer)
        return influencer, person

    def register_person(self, person, email, **values):
        """Register with ``person`` (a client), and return the id of the influencer of this address."""
        person.register(email, **values)
        [influencer] = self.admin.call("influencegen.influencer", "search", [("email", "=", email)])
        return influencer

    def submit_document(self, person, influencer):
        """Log ``person`` (a client) in as an influencer, by its id, and submit its document."""
        self.log_in_person(person, influencer)
        person.submit("/my/influencegen/kyc", files=document(), document_type="passport")

    def log_in_person(self, person, influencer):
        """Log ``person`` (a client) in as an influencer, by its id."""
        [record] = self.admin.call("influencegen.influencer", "read", [influencer], ["email", "user_id"])
        self.admin.call("res.users", "write", record["user_id"][:1], {"password": record["email"]})
        person.log_in(self.database, record["email"], record["email"])

    def _open_campaigns(self, number):
        brand = self.admin.call("res.partner", "create", [{"name": "Brand"}])
        campaigns = self.admin.call(
            "influencegen.campaign",
            "create",
            [{"name": f"Campaign {position}", "brand_id": brand[0], "fee": 10} for position in range(number)],
        )
        self.admin.call("influencegen.campaign", "action_open", campaigns)
        return campaigns

    def _all_active(self):
        active = [("id", "in", list(self.influencers)), ("state", "=", "active")]
        return self.admin.call("influencegen.influencer", "search_count", active) == len(self.influencers)


class Load:
    """Clients that are busy from the beginning of a ``with`` block to its end.

    outcomes: how often each kind of work had each outcome: 'done', 'refused', 'failed' (500) or 'broken' (no answer).
    failures: unexpected failures, in words.
    registered: how many influencers are registered, by the answers to the clients.
    """

    def __init__(self, back_office, clients=16):
        self.outcomes = Counter()
        self.failures = []
        self.registered = 0
        self._back_office = back_office
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._recent = [address()]
        self._newcomers = []
        self._addresses = set()
        self._threads = [threading.Thread(target=self._be_busy, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def attempts(self):
        """How many registrations were answered."""
        return sum(self.outcomes["register", outcome] for outcome in ("done", "refused", "failed"))

    @property
    def done(self):
        """How much work is done."""
        with self._lock:
            return sum(number for (_work, outcome), number in self.outcomes.items() if outcome == "done")

    def go_on(self, number):
        """Wait until that much more work is done."""
        enough = self.done + number
        until(lambda: self.done >= enough, "the clients go on")

    def _be_busy(self):
        admin = self._back_office.admin.twin()
        works = {
            self.register: 4, self.transact: 9, self.apply: 3, self.accept_application: 2, self.submit_content: 3,
            self.accept_content: 2, self.pay: 3, self.request_image: 2, self.submit_document: 1, self.review: 1,
        }  # fmt: skip
        while not self._stop.is_set():
            work = random.choices(list(works), works.values())[0]
            outcome = self._outcome(work, admin)
            with self._lock:
                self.outcomes[work.__name__, outcome] += 1

    def _outcome(self, work, admin):
        try:
            work(admin)
            return "done"
        except Refused:
            return "refused"
        except requests.RequestException as exception:
            self.failures.append(f"{work.__name__}: {exception!r}")
            return "broken"
        except Exception as exception:
            self.failures.append(f"{work.__name__}: {exception!r}")
            return "failed"

    def _count_registered(self, number):
        with self._lock:
            self.registered += number

    # ------------------------------------------------------------------ work

    def register(self, admin):
        """Register, three in ten times wrongly; at times with an address that another client is using as well."""
        email = random.choice(self._recent) if random.random() < 0.1 else address()
        self._recent = [*self._recent[-3:], email]
        values = random.choice(WRONG) if random.random() < SHARE_WRONG else {}
        Client(admin.url).register(**{"email": email, **values})
        with self._lock:
            is_new = email not in self._addresses
            self._addresses.add(email)
        # the answer does not tell whether the address was taken
        if is_new:
            self._count_registered(1)
            self._newcomers += admin.call("influencegen.influencer", "search", [("email", "=", email)])

    def transact(self, admin):
        """Do several things in one transaction, with nested savepoints, conflicts, and exceptions after the fact."""
        steps, kept = self._steps(0)
        admin.call("influencegen.trial", "work", steps)
        self._count_registered(kept)

    def _steps(self, depth):
        """Return random steps, and how many influencers they leave."""
        steps, kept = [], 0
        for _ in range(random.randint(1, 3)):
            if depth < 3 and random.random() < 0.5:
                inner, inner_kept = self._steps(depth + 1)
                steps.append(inner)
                kept += inner_kept
            else:
                steps.append(address())
                kept += 1
        if random.random() < 0.3:
            steps.append(random.choice(self._back_office.campaigns[:2]))
        if random.random() < SHARE_WRONG:
            steps.append(None)
            kept = 0
        return steps, kept

    def apply(self, admin):
        campaign = random.choice(self._back_office.campaigns)
        self._influencer().submit(f"/my/influencegen/campaigns/{campaign}/apply", message="Me!")

    def accept_application(self, admin):
        self._act(admin, "influencegen.application", "submitted", self._mostly("action_accept", "action_decline"))

    def submit_content(self, admin):
        url = "no address" if random.random() < SHARE_WRONG else "https://example.com/post"
        ours = ("influencer_id", "in", list(self._back_office.influencers))
        application = self._pick(admin, "influencegen.application", "accepted", ours)
        if application:
            [owner] = admin.call("influencegen.application", "read", [application], ["influencer_id"])
            person = self._back_office.influencers[owner["influencer_id"][0]].twin()
            person.submit(f"/my/influencegen/applications/{application}/content", url=url)

    def accept_content(self, admin):
        self._act(admin, "influencegen.content", "submitted", self._mostly("action_accept", "action_reject"))

    def pay(self, admin):
        self._act(admin, "influencegen.payment", random.choice(["pending", "failed"]), "action_pay")

    def request_image(self, admin):
        model = "no-such-model" if random.random() < SHARE_WRONG else "sdxl"
        self._influencer().submit("/my/influencegen/images", model=model, prompt="A lighthouse")

    def submit_document(self, admin):
        """Let one that registered lately submit its document."""
        with self._lock:
            newcomer = self._newcomers.pop() if self._newcomers else None
        if newcomer:
            self._back_office.submit_document(Client(admin.url), newcomer)

    def review(self, admin):
        kyc = self._pick(admin, "influencegen.kyc", "review")
        if kyc:
            admin.call("influencegen.kyc", random.choice(["action_approve", "action_reject"]), [kyc], "Looked at.")

    @staticmethod
    def _mostly(often, seldom):
        return random.choices([often, seldom], [4, 1])[0]

    def _act(self, admin, model, state, method):
        record = self._pick(admin, model, state)
        if record:
            admin.call(model, method, [record])

    def _pick(self, admin, model, state, *conditions):
        """Return the id of a record in that state, one that others are likely to pick as well; None without one."""
        found = admin.call(model, "search", [("state", "=", state), *conditions], limit=3)
        return random.choice(found) if found else None

    def _influencer(self):
        return random.choice(list(self._back_office.influencers.values())).twin()
