"""Declaration, storage and exposition of metrics. Nothing in this package imports Odoo."""
