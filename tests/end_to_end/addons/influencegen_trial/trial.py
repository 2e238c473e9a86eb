from contextlib import suppress

from odoo import api, models
from odoo.exceptions import UserError


class Trial(models.AbstractModel):
    _name = "influencegen.trial"
    _description = "Transactions that fail in chosen places"

    @api.model
    def work(self, steps):
        """Do ``steps`` in one transaction; each is

        - an e-mail address: the influencer with it is created, as one that registered itself;
        - the id of a campaign: it is written to, which conflicts with whoever else writes to it;
        - None: the transaction, or the savepoint around this step, fails here;
        - a list of steps: they are done in a savepoint; if they fail, it alone is rolled back.
        """
        for step in steps:
            if step is None:
                raise UserError("set to fail")
            if isinstance(step, list):
                with suppress(UserError), self.env.cr.savepoint():
                    self.work(step)
            elif isinstance(step, int):
                campaign = self.env["influencegen.campaign"].browse(step)
                campaign.fee += 1
                campaign.flush_recordset()
            else:
                self.env["influencegen.influencer"]._create_as_system(
                    {"name": "Ada", "email": step, "birthdate": "1990-01-01", "source": "api"}
                )
        return True

    @api.model
    def move(self, influencer, state):
        """Bring the influencer with the id ``influencer`` into ``state``."""
        self.env["influencegen.influencer"].browse(influencer)._transition(state)
        return True
