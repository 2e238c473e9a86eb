"""The dashboards of InfluenceGen, on top of those of any Odoo."""

SERVICES = ("odoo", "n8n", "aiservice", "postgresql")
"""The services whose starts are annotated."""
