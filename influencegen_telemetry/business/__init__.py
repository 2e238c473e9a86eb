"""What is measured of the business. Nothing in this package imports Odoo."""

if __name__.startswith("odoo.addons."):
    from ...odoo_telemetry.metrics import catalogue
else:
    # outside Odoo, each addon is a package of its own
    from odoo_telemetry.metrics import catalogue

from .metrics import APIS, BUSINESS, CAMPAIGN, FACTS, OTHER_PRODUCERS
from .specification import SPECIFICATION
