from odoo.tests import HttpCase, tagged

from .common import PNG, InfluenceGenCase

JSON = {"Accept": "application/json"}


@tagged("post_install", "-at_install")
class TestPortal(InfluenceGenCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.influencer = self.register()
        self.influencer.user_id.password = "ada-s long password"

    def log_in(self):
        self.authenticate("ada@example.com", "ada-s long password")

    def upload(self, content=PNG, name="passport.png", document_type="passport", headers=None):
        page = self.url_open("/my/influencegen")
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        return self.url_open(
            "/my/influencegen/kyc",
            data={"csrf_token": token, "document_type": document_type},
            files={"document": (name, content)},
            headers=headers,
        )

    def test_home_needs_a_login(self):
        response = self.url_open("/my/influencegen", allow_redirects=False)
        self.assertIn("/web/login", response.headers["Location"])

    def test_home_of_a_user_without_an_influencer(self):
        self.employee.password = "the employee's password"
        self.authenticate(self.employee.login, "the employee's password")
        for path in ("/my/influencegen", "/my/influencegen/images"):
            page = self.url_open(path)
            self.assertEqual(page.status_code, 200)
            self.assertIn("is not registered as an influencer", page.text)
            self.assertIn(self.employee.login, page.text)

    def test_upload(self):
        self.log_in()
        response = self.upload()
        self.assertEqual(response.status_code, 200)
        self.assertIn("We are checking your document", response.text)
        self.assertEqual(self.influencer.kyc_ids.state, "submitted")
        self.assertEqual(self.influencer.kyc_ids.attachment_id.raw, PNG)

    def test_upload_as_json(self):
        self.log_in()
        self.assertEqual(self.upload(headers=JSON).json(), {"state": "submitted"})

    def test_refused_upload(self):
        self.log_in()
        response = self.upload(content=b"MZ garbage", headers=JSON)
        self.assertEqual(response.status_code, 400)
        self.assertIn("PDF, JPEG or PNG", response.json()["error"])
        self.assertEqual(self.influencer.kyc_ids.state, "awaiting_document")
        self.assertFalse(
            self.env["ir.attachment"].search_count(
                [("res_model", "=", "influencegen.kyc"), ("res_id", "=", self.influencer.kyc_ids.id)]
            )
        )
        self.assertIn("PDF, JPEG or PNG", self.upload(content=b"MZ garbage").text)

    def test_too_large_upload(self):
        self.log_in()
        response = self.upload(content=PNG + b"\0" * 5 * 1024 * 1024, headers=JSON)
        self.assertIn("larger than 5 MB", response.json()["error"])

    def test_document_is_not_served(self):
        self.log_in()
        self.upload()
        address = f"/web/content/{self.influencer.kyc_ids.attachment_id.id}"
        self.assertEqual(self.url_open(address).status_code, 404)
        self.logout()
        self.assertEqual(self.url_open(address).status_code, 404)
