from odoo import api
from odoo.exceptions import AccessError
from odoo.service import model as service
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import InfluenceGenCase

_call_kw = getattr(service, "call_kw", None) or api.call_kw
SETTINGS = "res.config.settings"


@tagged("post_install", "-at_install")
class TestSettings(InfluenceGenCase, TransactionCase):
    def setUp(self):
        super().setUp()
        self.set_parameter("kyc_url", "https://kyc.example.com")
        self.set_parameter("webhook_secret", "s3cret")
        self.env["ir.config_parameter"].set_param("base_setup.default_user_rights", "True")

    def parameters(self):
        self.env.flush_all()
        self.env.cr.execute("SELECT key, value FROM ir_config_parameter")
        return dict(self.env.cr.fetchall())

    def call(self, user, method, *args):
        with mute_logger("odoo.addons.base.models.ir_model"), self.env.cr.savepoint():
            return _call_kw(self.env(user=user)[SETTINGS], method, list(args), {})

    def test_only_administrators_of_the_server(self):
        record = self.env[SETTINGS].create({})
        before = self.parameters()
        rights = new_test_user(self.env, "ig-rights", groups="base.group_erp_manager")
        for user in (self.employee, self.administrator, rights, self.env.ref("base.public_user")):
            for method, args in (
                ("set_values", [[]]),
                ("set_values", [record.ids]),
                ("execute", [record.ids]),
                ("create", [{"influencegen_kyc_url": ""}]),
                ("write", [record.ids, {"influencegen_kyc_url": ""}]),
                ("default_get", [["influencegen_webhook_secret"]]),
            ):
                with self.assertRaises(AccessError, msg=f"{user.login} {method}"):
                    self.call(user, method, *args)
        self.assertEqual(self.parameters(), before)

    def test_what_is_not_named_stays(self):
        before = self.parameters()
        admin = self.env.ref("base.user_admin")
        with self.assertRaises(ValueError):
            self.call(admin, "set_values", [])
        record = self.call(admin, "create", {"influencegen_image_daily_quota": 7})
        self.call(admin, "execute", [record])
        after = self.parameters()
        self.assertEqual(after["influencegen.image_daily_quota"], "7")
        kept = [key for key in before if key.startswith("influencegen") and key != "influencegen.image_daily_quota"]
        self.assertEqual({key: after.get(key) for key in kept}, {key: before[key] for key in kept})
