"""Influencers and staff of the running system, and their browsers."""

from uuid import uuid4

from stack.scenarios.demo import control, wait
from stack.scenarios.portal import Influencer, picture
from stack.scenarios.traffic import create_staff

INFLUENCER, KYC, IMAGE = "influencegen.influencer", "influencegen.kyc", "influencegen.image"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PASSWORD = "a long password of the test"
SECONDS = 60
NEVER = {"approved": 0.0, "rejected": 0.0, "referred": 0.0}


class Platform:
    """The platform under test: `admin` is its administrator, and `campaign` the id of an open campaign."""

    def __init__(self, stack, admin):
        self.stack = stack
        self.url = stack.url("odoo")
        self.admin = admin
        self.campaign = self.open_campaign("Summer skin")

    def open_campaign(self, name):
        """Open a campaign with a fee, and return its id."""
        [company] = self.admin.call("res.company", "search_read", [], ["partner_id"], limit=1)
        values = {
            "name": name, "brand_id": company["partner_id"][0], "fee": 450,
            "description": "One short video on how you look after your skin in the sun.",
        }  # fmt: skip
        campaign = self.admin.call("influencegen.campaign", "create", values)
        self.admin.call("influencegen.campaign", "action_open", [campaign])
        return campaign

    def newcomer(self, name="Ada Okafor"):
        """Register someone on the portal, and log in."""
        person = Influencer(self.url, name)
        assert person.register_by_form()
        self.give_password(person.email)
        person.log_in(PASSWORD)
        return person

    def give_password(self, email):
        """Set a password, as the link in the e-mail would have its reader do."""
        [user] = self.admin.call("res.users", "search", [("login", "=", email)])
        self.admin.call("res.users", "write", [user], {"password": PASSWORD})

    def checked(self, outcome, name="Noor Haddad"):
        """Return someone on whose document the KYC service has decided: approved, rejected or referred."""
        person = self.newcomer(name)
        self.check(person, outcome)
        return person

    def check(self, person, outcome):
        """Upload a document, and wait until the KYC service has decided as set."""
        before = control(self.stack, "kyc", {"outcomes": {**NEVER, outcome: 1.0}})
        try:
            assert person.upload_document(picture())
            wait(lambda: self.check_of(person.email)["automated_outcome"], SECONDS, "The KYC service does not decide")
        finally:
            control(self.stack, "kyc", before)

    def activate(self, email):
        """Have someone who registered pass the identity check."""
        person = Influencer(self.url, email=email)
        person.log_in(PASSWORD)
        self.check(person, "approved")

    def create_user(self, role):
        """Return the login of a member of staff of the group, who has the test's password."""
        login = f"portal.{role}"
        name = role.replace("_", " ").capitalize()
        create_staff(self.admin, f"group_{role}", name=name, login=login, password=PASSWORD)
        return login

    def check_of(self, email):
        """Return the identity check of someone."""
        [check] = self.admin.call(
            KYC, "search_read", [("influencer_id.email", "=", email)], ["state", "automated_outcome"]
        )
        return check

    def find(self, model, email):
        """Return the ids of the records of an influencer."""
        return self.admin.call(model, "search", [("influencer_id.email", "=", email)])

    def working(self):
        """Return an active influencer with applications, contents, payments and images in each of their states."""
        person = self.checked("approved")
        assert person.apply(self.campaign)
        for name in ("Winter kit", "City walks"):
            assert person.apply(self.open_campaign(name))
        _waiting, accepted, declined = person.applications
        self.admin.call("influencegen.application", "action_accept", [accepted])
        self.admin.call("influencegen.application", "action_decline", [declined])
        for _number in range(4):
            assert person.submit_content(accepted)
        rejected, paid, due, _submitted = self.find("influencegen.content", person.email)
        self.admin.call("influencegen.content", "action_reject", [rejected])
        self.admin.call("influencegen.content", "action_accept", [paid, due])
        self.admin.call("influencegen.payment", "action_pay", self.find("influencegen.payment", person.email)[:1])
        for fails in (0.0, 1.0):
            self.image(person, fails)
        self.open_campaign("Lumen at night")
        return person

    def image(self, person, fail_rate=0.0):
        """Request an image and wait until it is done, or failed."""
        before = control(self.stack, "ai", {"fail_rate": fail_rate, "latency": {"median": 0.1, "sigma": 0.1}})
        try:
            assert person.request_image("flux-schnell", "A poster of a city at night")
            wait(lambda: not self.unfinished(person.email), 3 * SECONDS, "The image has no outcome")
        finally:
            control(self.stack, "ai", before)

    def unfinished(self, email):
        """Say how many images of an influencer have no outcome yet."""
        domain = [("influencer_id.email", "=", email), ("state", "in", ("requested", "processing"))]
        return self.admin.call(IMAGE, "search_count", domain)


def browser_of(chromium, person, viewport, **options):
    """Open a browser in which a person is logged in, or nobody (None), and return its context."""
    context = chromium.new_context(viewport=viewport, locale="en-US", **options)
    if person:
        [cookie] = [cookie for cookie in person.browser.cookies if cookie.name == "session_id"]
        context.add_cookies([{"name": "session_id", "value": cookie.value, "url": person.url}])
    return context


def fresh_email():
    return f"{uuid4().hex[:12]}@example.com"
