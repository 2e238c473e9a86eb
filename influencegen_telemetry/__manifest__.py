{
    "name": "InfluenceGen telemetry",
    "summary": "Measures the InfluenceGen platform for Prometheus",
    "version": "1.2.0",
    "category": "Marketing",
    "author": "InfluenceGen",
    "website": "https://github.com/influencegen/telemetry",
    "license": "LGPL-3",
    "depends": ["influencegen", "odoo_telemetry"],
    "data": [
        "data/facts.xml",
        "views/payment_attempt_views.xml",
        "views/res_config_settings_views.xml",
    ],
    "assets": {
        "web.assets_backend": ["influencegen_telemetry/static/src/buttons.js"],
        "web.assets_frontend_minimal": ["influencegen_telemetry/static/src/forms.js"],
        "web.assets_frontend_lazy": [("remove", "influencegen_telemetry/static/src/forms.js")],
    },
    # as one of server_wide_modules it brings the addon that it extends
    "post_load": "post_load",
    "uninstall_hook": "uninstall_hook",
    "installable": True,
}
