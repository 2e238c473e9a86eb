from odoo.http import Request
from odoo.tests import HttpCase, tagged

from .test_image import ImageCase


@tagged("post_install", "-at_install")
class TestPortalCampaign(ImageCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.authenticate("ig-ann", "ig-ann-password")

    def post(self, path, accept="application/json", **data):
        return self.url_open(
            f"/my/influencegen/{path}",
            data={"csrf_token": Request.csrf_token(self), **data},
            headers={"Accept": accept},
            timeout=30,
        )

    def test_from_campaign_to_payment(self):
        self.assertIn("Summer launch", self.url_open("/my/influencegen").text)
        response = self.post(f"campaigns/{self.campaign.id}/apply", message="I like it")
        application = self.campaign.application_ids
        self.assertEqual(response.json(), {"id": application.id, "state": "submitted"})
        self.assertEqual((application.influencer_id, application.message), (self.influencer, "I like it"))
        response = self.post(f"applications/{application.id}/content", url="https://example.com/1")
        self.assertEqual(response.status_code, 400)
        application.action_accept()
        response = self.post(f"applications/{application.id}/content", url="https://example.com/1", caption="Look")
        content = application.content_ids
        self.assertEqual(response.json(), {"id": content.id, "state": "submitted"})
        content.action_accept()
        page = self.url_open("/my/influencegen").text
        self.assertIn("https://example.com/1", page)
        self.assertIn("influencegen_payments", page)

    def test_refused(self):
        self.campaign._apply(self.influencer)
        response = self.post(f"campaigns/{self.campaign.id}/apply")
        self.assertEqual(response.status_code, 400)
        self.assertIn("already applied", response.json()["error"])
        self.campaign.action_close()
        self.assertEqual(self.post(f"campaigns/{self.campaign.id}/apply").status_code, 400)

    def test_not_for_others(self):
        theirs = self.campaign._apply(self.other)
        theirs.action_accept()
        response = self.post(f"applications/{theirs.id}/content", url="https://example.com/1")
        self.assertEqual(response.status_code, 400)
        self.assertFalse(theirs.content_ids)

    def test_images(self):
        response = self.post("images", model="test", prompt="A teal square", campaign_id=self.campaign.id)
        image = self.images.search([("uuid", "=", response.json()["request_id"])])
        self.assertEqual((image.user_id, image.campaign_id, image.state), (self.user, self.campaign, "requested"))
        self.images._receive(self.result(image), "signature")
        self.assertIn(f"/web/image/influencegen.image/{image.id}/picture", self.url_open("/my/influencegen").text)
        for data in (
            {"model": "x", "prompt": "y"},
            {"model": "test"},
            {"model": "test", "prompt": "y", "campaign_id": "z"},
        ):
            self.assertEqual(self.post("images", **data).status_code, 400)

    def test_a_browser_is_sent_back_with_the_reason(self):
        response = self.post("images", accept="text/html", model="x", prompt="y")
        self.assertTrue(response.url.endswith("/my/influencegen"))
        self.assertIn("There is no image model", response.text)
