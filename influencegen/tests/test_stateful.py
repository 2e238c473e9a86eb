from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from .common import InfluenceGenCase


@tagged("post_install", "-at_install")
class TestStateful(InfluenceGenCase, TransactionCase):
    def test_state_moves_only_along_declared_paths(self):
        influencer = self.register()
        with self.assertRaisesRegex(UserError, "Ada Okafor.*KYC pending.*Suspended"):
            influencer._transition("suspended")
        self.assertEqual(influencer.state, "kyc_pending")

    def test_transition_moves_all_or_none(self):
        pending = self.register("pending@example.com")
        active = self.active_influencer()
        with self.assertRaises(UserError):
            (active | pending)._transition("suspended")
        self.assertEqual(active.state, "active")

    def test_transition_of_many_is_one_update(self):
        influencers = self.active_influencer() | self.active_influencer("bea@example.com")
        influencers.mapped("state")
        self.env.flush_all()
        with self.assertQueryCount(1):
            influencers._transition("suspended")
            self.env.flush_all()

    def test_state_is_not_written_otherwise(self):
        influencer = self.register()
        for context in ({}, {"influencegen_transition": True}):
            with self.assertRaises(UserError):
                influencer.with_context(**context).write({"state": "active"})

    def test_records_start_in_the_initial_state(self):
        influencers = self.env["influencegen.influencer"]
        values = {"name": "Bea", "email": "bea@example.com", "birthdate": "1990-01-01"}
        with self.assertRaises(UserError):
            influencers.create({**values, "state": "active"})
        self.assertEqual(influencers.create(values).state, "registered")
