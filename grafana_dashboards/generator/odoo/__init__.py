"""The dashboards of any Odoo: they need neither InfluenceGen nor a service that it uses."""

SERVICES = ("odoo", "postgresql")
"""The services whose starts are annotated."""
