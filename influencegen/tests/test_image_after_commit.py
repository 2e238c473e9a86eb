import base64
import json
import threading
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tests import BaseCase, get_db_name, tagged

from ..models import api as api_module
from .common import PNG, Service, forbid_commit

THREADS = 4
PATH = "/webhook/influencegen-image"


@tagged("post_install", "-at_install")
class TestImageAfterCommit(BaseCase):
    """Real transactions, that are committed, and cleaned up after."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        # the thread that runs the tests may hold the lock that other threads need to open an environment
        self.startPatcher(patch.object(Registry, "_lock", threading.RLock()))
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.answers[PATH] = [(202, {})]
        api_module._breakers.clear()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            url = env["ir.config_parameter"].get_param("influencegen.n8n_webhook_url")
            env["ir.config_parameter"].set_param("influencegen.n8n_webhook_url", self.service.url + PATH)
            self.model_id = env["influencegen.image.model"].create({"name": "Test", "code": "test-commit"}).id
        self.addCleanup(self.forget, url)

    def forget(self, url):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            images = env["influencegen.image"].search([("model_id", "=", self.model_id)])
            images.unlink()
            env["influencegen.image.model"].browse(self.model_id).unlink()
            env["ir.config_parameter"].set_param("influencegen.n8n_webhook_url", url)

    def request(self):
        with self.registry.cursor() as cr:
            images = api.Environment(cr, SUPERUSER_ID, {})["influencegen.image"]
            return images._request("test-commit", "A teal square").id

    def read(self, image_id, *names):
        with self.registry.cursor() as cr:
            image = api.Environment(cr, SUPERUSER_ID, {})["influencegen.image"].browse(image_id)
            return [image[name] for name in names]

    def receive(self, uuid, signature):
        """Take a result as the controller does, with Odoo's retries of what collides."""
        payload = {"request_id": uuid, "status": "done", "image": base64.b64encode(PNG).decode()}
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return retrying(lambda: env["influencegen.image"]._receive(payload, signature), env)

    def test_the_webhook_is_sent_after_the_commit(self):
        image_id = self.request()
        self.assertEqual(self.read(image_id, "state"), ["processing"])
        self.assertEqual(len(self.service.received), 1)

    def test_no_webhook_is_sent_after_a_rollback(self):
        with self.assertRaises(ZeroDivisionError), self.registry.cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["influencegen.image"]._request("test-commit", "A teal square")
            raise ZeroDivisionError
        self.assertFalse(self.service.received)

    def test_no_webhook_is_sent_after_a_savepoint_is_rolled_back(self):
        with self.registry.cursor() as cr:
            images = api.Environment(cr, SUPERUSER_ID, {})["influencegen.image"]
            with self.assertRaises(ZeroDivisionError), cr.savepoint():
                images._request("test-commit", "A teal square")
                raise ZeroDivisionError
        self.assertFalse(self.service.received)

    def test_callback_before_the_webhook_is_answered(self):
        def answer(data):
            self.receive(data["request_id"], "early")
            return 202, {}

        self.service.answers[PATH] = answer
        self.assertEqual(self.read(self.request(), "state"), ["done"])

    def test_undeliverable(self):
        self.service.answers[PATH] = [(400, {})]
        state, error = self.read(self.request(), "state", "error")
        self.assertEqual(state, "failed")
        self.assertIn("400", error)

    def test_a_job_delivers_too(self):
        self.service.answers[PATH] = [(400, {})]
        image_id = self.request()
        self.service.answers[PATH] = [(202, {})]
        with self.registry.cursor() as cr, forbid_commit(cr):
            cr.execute("UPDATE influencegen_image SET state = 'requested' WHERE id = %s", [image_id])
            cr._cnx.commit()
            api.Environment(cr, SUPERUSER_ID, {})["influencegen.image"].browse(image_id)._deliver()
        self.assertEqual(self.read(image_id, "state"), ["processing"])

    def test_concurrent_duplicates(self):
        image_id = self.request()
        uuid = json.loads(self.service.received[0][2])["request_id"]
        start = threading.Barrier(THREADS)
        statuses = []

        def receive(number):
            start.wait()
            statuses.append(self.receive(uuid, f"signature {number}"))

        threads = [threading.Thread(target=receive, args=[number]) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), ["duplicate"] * (THREADS - 1) + ["ok"])
        with self.registry.cursor() as cr:
            attachments = api.Environment(cr, SUPERUSER_ID, {})["ir.attachment"]
            domain = [("res_model", "=", "influencegen.image"), ("res_id", "=", image_id)]
            self.assertEqual(attachments.search_count(domain), 1)
