"""The status on the portal: an influencer's own records and next step, in a constant number of queries."""

import json
from html import unescape

from lxml import html

from odoo.http import Request
from odoo.tests import HttpCase, tagged

from .campaign_common import make_campaign
from .common import PNG
from .test_image import ImageCase

HOME = "/my/influencegen"
SCRIPT = {"X-Requested-With": "XMLHttpRequest"}


class StatusCase(ImageCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.authenticate("ig-ann", "ig-ann-password")

    def page(self, path=HOME):
        """Return the page as an element of lxml."""
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        return html.fromstring(response.text)

    def text(self, selector, page=None):
        """Return the text of the element of an id, its blanks collapsed."""
        [element] = (self.page() if page is None else page).xpath(f"//*[@id='{selector}']")
        return " ".join(element.text_content().split())

    def post(self, path, headers=None, files=None, **data):
        data = {"csrf_token": Request.csrf_token(self), **data}
        return self.url_open(f"{HOME}/{path}", data=data, files=files, headers=headers)

    def work(self, influencer=None, accepted=1):
        """Have an influencer apply to a campaign of its own, be accepted, and get so many posts accepted."""
        campaign = make_campaign(self.env, name=f"Campaign {self.env['influencegen.campaign'].search_count([])}")
        application = campaign._apply(influencer or self.influencer)
        application.action_accept()
        for number in range(accepted):
            application._submit_content(f"https://example.com/{application.id}/{number}").action_accept()
        return application

    def drawn(self, prompt="A teal square"):
        """Return an image of Ann's that is done."""
        image = self.images.with_user(self.user)._request("test", prompt).sudo()
        self.images._receive(self.result(image), f"signature {image.id}")
        return image


@tagged("post_install", "-at_install")
class TestStatus(StatusCase):
    def test_before_the_first_application(self):
        page = self.page()
        status = self.text("influencegen_status", page)
        for part in ("Registered on", "No applications yet", "Apply to an open campaign", "No payments yet"):
            self.assertIn(part, status)
        self.assertFalse(page.xpath("//section[@id='influencegen_payments']"))

    def test_campaigns_and_payments(self):
        due, paid, waiting = self.work(accepted=0), self.work(accepted=2), make_campaign(self.env, name="Waiting")
        waiting._apply(self.influencer)
        due.campaign_id.date_end = "2031-05-17"
        paid.content_ids[0].payment_ids.action_pay()
        paid.content_ids[1].payment_ids._transition("processing")
        page = self.page()
        status = self.text("influencegen_status", page)
        self.assertIn("Applied: 3 Accepted: 2 Declined: 0 Content due: 1", status)
        self.assertRegex(status, r"Due: \$?\s?250.00.* Paid: \$?\s?250.00")
        applications = self.text("influencegen_applications", page)
        self.assertEqual(applications.count("Content due by 05/17/2031"), 1)
        self.assertEqual(applications.count("The campaign manager has not decided yet."), 1)

    def test_rejected_content_is_due_again(self):
        application = self.work(accepted=0)
        content = application._submit_content("https://example.com/1")
        self.assertNotIn("Content due", self.text("influencegen_status"))
        content.action_reject()
        self.assertIn("Content due: 1", self.text("influencegen_status"))

    def test_content_of_a_suspended_influencer_is_not_due(self):
        self.work(accepted=0)
        self.assertIn("Content due", self.text("influencegen_applications"))
        self.influencer.action_suspend()
        self.assertNotIn("Content due", self.page().text_content())

    def test_documents(self):
        influencer = self.register("bea@example.com")
        influencer.user_id.password = "bea-s long password"
        influencer.company_id.email = "hello@example.com"
        kyc = influencer.kyc_ids
        self.authenticate("bea@example.com", "bea-s long password")
        self.assertIn("Identity document: Awaiting document Upload your", self.text("influencegen_status"))
        self.assertIn("Your identity document is missing.", self.text("influencegen_kyc"))
        kyc._submit_document("passport", "passport.png", PNG)
        self.assertIn("Submitted There is nothing for you to do.", self.text("influencegen_status"))
        kyc._transition("review", automated_outcome="referred", automated_reason="blurred edges")
        page = self.page()
        self.assertIn("We are checking your document.", self.text("influencegen_kyc", page))
        self.assertNotIn("blurred edges", page.text_content())
        kyc.with_user(self.kyc_reviewer).action_reject("The passport has expired.")
        rejected = self.text("influencegen_kyc")
        self.assertIn("Reason: The passport has expired.", rejected)
        self.assertIn("get in touch with us. E-mail: hello@example.com", rejected)

    def test_counters(self):
        self.work(accepted=0)
        self.work(accepted=2)
        self.drawn()
        self.work(self.other)
        names = ["document", "application", "content_due", "payment", "image"]

        def counters():
            wanted = {"params": {"counters": [f"influencegen_{name}_count" for name in names]}}
            response = self.url_open(
                "/my/counters", data=json.dumps(wanted), headers={"Content-Type": "application/json"}
            )
            return [response.json()["result"][f"influencegen_{name}_count"] for name in names]

        home = self.page("/my/home")
        self.assertEqual(len(home.xpath("//*[starts-with(@data-placeholder_count, 'influencegen_')]")), len(names))
        self.assertEqual(counters(), [0, 2, 1, 2, 1])
        self.employee.password = "the employee's password"
        self.authenticate(self.employee.login, "the employee's password")
        self.assertEqual(counters(), [0] * len(names))
        self.assertNotIn("Status of your registration", self.page("/my/home").text_content())

    def test_of_others_nothing_is_shown(self):
        self.work()
        theirs = self.work(self.other)
        theirs.campaign_id.action_close()
        page = self.page()
        self.assertNotIn(theirs.campaign_id.name, page.text_content())
        self.assertNotIn(theirs.content_ids.url, page.text_content())
        self.assertEqual(len(page.xpath("//section[@id='influencegen_payments']//tbody/tr")), 1)

    def test_the_number_of_queries_does_not_grow(self):
        def queries():
            self.page()  # what is cached for each request
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.page()
            return self.env.cr.sql_log_count - before

        def more():
            self.work(accepted=2)
            self.drawn()
            make_campaign(self.env, name="Open")

        for _number in range(2):
            more()
        few = queries()
        for _number in range(4):
            more()
        self.assertLessEqual(queries(), few)


@tagged("post_install", "-at_install")
class TestForms(StatusCase):
    def refused(self, page):
        """Return for each field that is refused its id, its value, its message, and whether it has the focus."""
        return [
            (
                field.get("id"),
                field.get("value"),
                page.xpath(f"//*[@id='{field.get('aria-describedby')}']/text()")[0],
                field.get("autofocus") is not None,
            )
            for field in page.xpath("//*[@aria-invalid='true']")
        ]

    def test_a_long_message_is_refused_at_its_field(self):
        message = "I film outdoors. " * 300
        response = self.post(f"campaigns/{self.campaign.id}/apply", message=message)
        self.assertEqual(
            self.refused(html.fromstring(response.text)),
            [
                (
                    f"application_{self.campaign.id}_message",
                    message,
                    "The text has 5100 characters; the limit is 4000. Shorten it.",
                    True,
                )
            ],
        )

    def test_a_content_without_an_address(self):
        application = self.work(accepted=0)
        response = self.post(f"applications/{application.id}/content", url="example.com/post", caption="Look")
        page = html.fromstring(response.text)
        [(field, value, message, focus)] = self.refused(page)
        self.assertEqual((field, value, focus), (f"content_{application.id}_url", "example.com/post", True))
        self.assertIn("“example.com/post” is not a web address. Enter", message)
        self.assertEqual(page.xpath(f"//*[@id='content_{application.id}_caption']/@value"), ["Look"])

    def test_all_fields_of_a_registration_at_once(self):
        page = self.page("/influencegen/register")
        [token] = page.xpath("//form[@action='/influencegen/register']//input[@name='csrf_token']/@value")
        values = {"name": "Bea", "email": "bea(at)example.com", "birthdate": "1994-02-30"}
        response = self.url_open(
            "/influencegen/register",
            data={"csrf_token": token, "platform": ["x", "x"], "handle": ["bea", " " * 3], **values},
        )
        self.assertEqual(response.status_code, 400)
        page = html.fromstring(response.text)
        refused = self.refused(page)
        self.assertEqual(
            [field for field, *_rest in refused],
            [f"registration_{name}" for name in ("email", "birthdate", "handle_1", "consent")],
        )
        self.assertEqual([focus for *_rest, focus in refused], [True, False, False, False])
        self.assertIn("“bea(at)example.com” is not a valid e-mail address.", refused[0][2])
        self.assertIn("“1994-02-30” is not a date of birth.", refused[1][2])
        self.assertEqual(page.xpath("//*[@id='registration_name']/@value"), ["Bea"])

    def test_an_upload_by_a_script_goes_on_to_the_page(self):
        influencer = self.register("bea@example.com")
        influencer.user_id.password = "bea-s long password"
        self.authenticate("bea@example.com", "bea-s long password")
        form = self.page().xpath("//form[@data-upload]")[0]
        self.assertTrue(form.xpath(".//progress"))
        for content, shown in ((b"MZ", "“me.pdf” is not a PDF, JPEG or PNG file"), (PNG, "has been uploaded")):
            files = {"document": ("me.pdf" if content == b"MZ" else "me.png", content)}
            response = self.post("kyc", SCRIPT, files, document_type="passport")
            self.assertEqual((response.status_code, response.json()), (200, {"location": HOME}))
            self.assertIn(shown, unescape(self.url_open(HOME).text))
            self.assertNotIn(shown, unescape(self.url_open(HOME).text))
        self.assertEqual(influencer.kyc_ids.state, "submitted")


@tagged("post_install", "-at_install")
class TestGallery(StatusCase):
    def test_thumbnails(self):
        image = self.drawn(prompt="A lamp in the snow")
        [picture] = self.page().xpath("//section[@id='influencegen_images']//img")
        address = f"/web/image/influencegen.image/{image.id}/picture"
        self.assertEqual(picture.get("alt"), "AI image: A lamp in the snow")
        self.assertEqual([picture.get(name) for name in ("loading", "width", "height")], ["lazy", "320", "320"])
        self.assertEqual(picture.get("srcset"), f"{address}/320x320?crop=1 320w, {address}/640x640?crop=1 640w")
        self.assertEqual(self.url_open(picture.get("src")).headers["Content-Type"], "image/png")

    def test_it_is_served_to_its_owner_alone(self):
        image = self.drawn()
        addresses = [f"/web/{kind}/influencegen.image/{image.id}/picture" for kind in ("image", "content")]
        content = image.attachment_id.raw
        self.assertEqual([self.url_open(address).content for address in addresses], [content] * len(addresses))
        # Odoo serves no attachment by its id to a portal user
        addresses += [f"/web/{kind}/{image.attachment_id.id}" for kind in ("image", "content")]
        for credentials in (("ig-eve", "ig-eve-password"), (None, None)):
            self.authenticate(*credentials)
            for address in addresses:
                self.assertNotEqual(self.url_open(address).content, content, (credentials, address))

    def test_pages(self):
        for _number in range(26):
            image = self.request()
            image._transition("failed")
        theirs = self.images.with_user(self.other_user)._request("test", "Not Ann's")
        self.assertTrue(self.page().xpath("//a[@href='/my/influencegen/images']"))
        sizes = [
            len(self.page(f"/my/influencegen/images{path}").xpath("//ul[@id='influencegen_gallery']/li"))
            for path in ("", "/page/2")
        ]
        self.assertEqual(sizes, [24, 2])
        self.assertNotIn(theirs.prompt, self.page("/my/influencegen/images").text_content())
