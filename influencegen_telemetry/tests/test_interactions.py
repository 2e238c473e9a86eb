"""Which forms and buttons are key interactions: the browser's patterns, applied to paths and buttons of addons."""

import re
from pathlib import Path

from odoo.modules.module import get_module_path
from odoo.tests.common import BaseCase

from odoo.addons.odoo_telemetry.metrics.catalogue import INTERACTION


class TestInteractions(BaseCase):
    def setUp(self):
        super().setUp()
        scripts = Path(get_module_path("influencegen_telemetry"), "static/src")
        self.forms = re.findall(r'\[/(.+)/, "(\w+)"\]', (scripts / "forms.js").read_text())
        self.buttons = dict(re.findall(r'buttons\["(.+)"\] = "(\w+)"', (scripts / "buttons.js").read_text()))

    def name_of(self, what):
        """Return the interaction of a form sent to this path, or of a button 'model/method'; None if it is none."""
        if what in self.buttons:
            return self.buttons[what]
        return next((name for pattern, name in self.forms if re.search(pattern, what)), None)

    def test_the_platform_s_forms_and_buttons_have_names(self):
        expected = {
            "/influencegen/register": "register",
            "/de/influencegen/register": "register",
            "/my/influencegen/kyc": "submit_document",
            "/my/influencegen/images": "request_image",
            "influencegen.image.request/action_request": "request_image",
            "/my/influencegen/campaigns/12/apply": "apply",
            "/my/influencegen/applications/12/content": "submit_content",
        }
        self.assertEqual({what: self.name_of(what) for what in expected}, expected)
        self.assertLessEqual(set(expected.values()), set(INTERACTION.values))

    def test_those_of_other_addons_have_none(self):
        for what in (
            "/shop/campaigns/12/apply", "/jobs/applications/12/content", "/other_influencegen/register",
            "/web/influencegen/images", "website.image.request/action_request",
            "influencegen_image_request/action_request",
        ):  # fmt: skip
            self.assertIsNone(self.name_of(what), what)
