"""What the business measures, apart from Odoo: nothing in this package imports it."""

from ..metrics import catalogue
from .metrics import APIS, BUSINESS, CAMPAIGN, OTHER_PRODUCERS
from .specification import SPECIFICATION
