"""An influencer at the browser: the public forms and the portal, over HTTP as a browser would use them."""

import io
import random
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import requests
from PIL import Image

CSRF = re.compile(r"""csrf_token["']?\s*(?:value=|:)\s*["']([^"']+)["']""")
PLATFORMS = ("instagram", "tiktok", "youtube")
GIVEN_NAMES = ("Ada", "Aroha", "Björk", "Camila", "Émilie", "Luca", "Mei", "Noor", "Priya", "Søren", "Tomasz", "Zanele")
SURNAMES = ("Caron", "Dlamini", "Haddad", "Kjær", "Moretti", "Ngata", "Okafor", "Rojas", "Tanaka", "Wiśniewski")
TIMEOUT = 120


class NotLoggedInError(Exception):
    """Odoo did not take the password."""


@dataclass
class Influencer:
    """One person, with a browser of its own; not to be shared between threads."""

    url: str
    name: str = field(default_factory=lambda: f"{random.choice(GIVEN_NAMES)} {random.choice(SURNAMES)}")
    email: str = field(default_factory=lambda: f"{uuid4().hex[:12]}@example.com")
    birthdate: date = field(default_factory=lambda: date(1980, 1, 1) + timedelta(days=random.randrange(25 * 365)))
    consent: bool = True
    browser: requests.Session = field(default_factory=requests.Session)
    has_document: bool = False
    applications: list[int] = field(default_factory=list)

    @property
    def handle(self) -> str:
        """The name on social media."""
        return self.name.replace(" ", "").lower()

    def register_by_form(self) -> bool:
        """Fill in the public form; say whether it was accepted."""
        form = {
            "csrf_token": self._csrf("/influencegen/register"),
            "name": self.name,
            "email": self.email,
            "birthdate": self.birthdate.isoformat(),
            "platform": random.choice(PLATFORMS),
            "handle": self.handle,
            **({"consent": "on"} if self.consent else {}),
        }
        return self.browser.post(f"{self.url}/influencegen/register", data=form, timeout=TIMEOUT).ok

    def register_by_api(self) -> bool:
        """Register through the JSON endpoint; say whether it was accepted."""
        body = {
            "name": self.name,
            "email": self.email,
            "birthdate": self.birthdate.isoformat(),
            "consent": self.consent,
            "handles": [{"platform": random.choice(PLATFORMS), "handle": self.handle}],
        }
        return self.browser.post(f"{self.url}/influencegen/api/register", json=body, timeout=TIMEOUT).ok

    def log_in(self, password: str) -> None:
        """Log in to the portal; raises NotLoggedInError."""
        form = {"csrf_token": self._csrf("/web/login"), "login": self.email, "password": password}
        answer = self.browser.post(f"{self.url}/web/login", data=form, timeout=TIMEOUT)
        if "/web/login" in answer.url or not answer.ok:
            raise NotLoggedInError(self.email)

    def upload_document(self, content: bytes, filename: str = "passport.png") -> bool:
        """Upload an identity document; say whether it was accepted."""
        accepted = self._post("kyc", {"document_type": "passport"}, files={"document": (filename, content)}) is not None
        self.has_document = self.has_document or accepted
        return accepted

    def apply(self, campaign: int) -> bool:
        """Apply to a campaign; say whether the application was accepted."""
        answer = self._post(f"campaigns/{campaign}/apply", {"message": "I would love to."})
        if answer:
            self.applications.append(answer["id"])
        return answer is not None

    def submit_content(self, application: int) -> bool:
        """Submit content for an application; say whether it was accepted."""
        form = {"url": f"https://example.com/{uuid4().hex}", "caption": "New!"}
        return self._post(f"applications/{application}/content", form) is not None

    def request_image(self, model: str, prompt: str) -> bool:
        """Request an AI image; say whether the request was accepted."""
        return self._post("images", {"model": model, "prompt": prompt}) is not None

    def _post(
        self, path: str, form: dict[str, str], files: dict[str, tuple[str, bytes]] | None = None
    ) -> dict[str, Any] | None:
        """Send a form of the portal; return its JSON answer, or nothing if it was refused."""
        answer = self.browser.post(
            f"{self.url}/my/influencegen/{path}",
            data={"csrf_token": self._csrf("/my/influencegen"), **form},
            headers={"Accept": "application/json"},
            timeout=TIMEOUT,
            files=files,
        )
        said: dict[str, Any] | None = answer.json() if answer.ok else None
        return said

    def _csrf(self, path: str) -> str:
        """Open a page and return the token that its forms carry."""
        page = self.browser.get(f"{self.url}{path}", timeout=TIMEOUT)
        page.raise_for_status()
        token: str = CSRF.findall(page.text)[0]
        return token


def too_young() -> date:
    """Return a date of birth of someone who may not register."""
    return date.today() - timedelta(days=17 * 365)


def picture() -> bytes:
    """Return a PNG that passes for a photographed document."""
    content = io.BytesIO()
    Image.new("RGB", (64, 48), random.choice(["navy", "maroon", "olive"])).save(content, "PNG")
    return content.getvalue()
