"""What this addon takes over from the one that it was a part of: up to 1.1, influencegen_telemetry was both."""

FORMER, NAME = "influencegen_telemetry", "odoo_telemetry"
LEFT = (
    "business_settings_view_form",
    "field_res_config_settings__telemetry_campaign_id_limit",
    "field_res_config_settings__telemetry_n8n_errors_per_minute_threshold",
    "model_influencegen_api",
    "model_influencegen_image",
    "model_influencegen_influencer",
    "model_influencegen_kyc",
    "payment_attempt_view_list",
)
"""The external ids that stay with it."""


def take_over(cr):
    """Make the records of ``FORMER`` this addon's, but for those that are ``LEFT`` to it, before they are loaded.

    Tables, parameters and files keep their names, so nothing in them is touched. ``FORMER`` 1.2 needs this addon: where
    that is installed, there is nothing left to take over.
    """
    cr.execute(
        "UPDATE ir_model_data SET module = %s WHERE module = %s AND name != ALL(%s)", [NAME, FORMER, list(LEFT)]
    )
    for table in ("ir_model_constraint", "ir_model_relation"):
        cr.execute(
            f"""
            UPDATE {table} SET module = own.id FROM ir_module_module own, ir_module_module former
             WHERE own.name = %s AND former.name = %s AND {table}.module = former.id
            """,
            [NAME, FORMER],
        )
