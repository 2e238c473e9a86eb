"""Tie the existing scrape tokens to the database that is upgraded."""

from odoo.addons.odoo_telemetry.identity import NOW


def migrate(cr, version):
    """Note the database's identity if it has tokens."""
    cr.execute(
        f"""
        INSERT INTO ir_config_parameter (key, value)
        SELECT 'odoo_telemetry.token_database', ({NOW}) FROM ir_config_parameter
         WHERE key = 'odoo_telemetry.token_digests'
        ON CONFLICT (key) DO NOTHING
        """
    )
