"""What is measured, apart from Odoo: nothing in this package imports it."""
