from odoo.exceptions import MissingError, UserError

from odoo.addons.base_rest import restapi
from odoo.addons.component.core import Component

_FAILURES = {400: UserError, 404: MissingError, 500: KeyError}


class Things(Component):
    _inherit = "base.rest.service"
    _name = "lab.things"
    _usage = "things"
    _collection = "lab.rest"
    _description = "Things"

    @restapi.method([(["/<int:status>"], "GET")], auth="public")
    def get(self, status):
        """Raise an exception that is answered with ``status``; 200 for none."""
        if status in _FAILURES:
            raise _FAILURES[status]("the lab fails on purpose")
        return {}
