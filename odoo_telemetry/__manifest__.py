{
    "name": "Telemetry",
    "summary": "Measures Odoo for Prometheus: requests, errors, workers, jobs, users, browsers, custom metrics",
    "version": "1.2.0",
    "category": "Technical",
    "author": "InfluenceGen",
    "website": "https://github.com/influencegen/telemetry",
    "license": "LGPL-3",
    "depends": ["base", "web", "web_tour"],
    "external_dependencies": {"python": ["prometheus_client"]},
    "data": [
        "security/ir.model.access.csv",
        "data/audit.xml",
        "data/custom_metric_reader.xml",
        "data/tour.xml",
        "views/overview_views.xml",
        "views/res_config_settings_views.xml",
        "views/res_users_views.xml",
        "views/menus.xml",
        "views/custom_metric_views.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "odoo_telemetry/static/lib/web-vitals/web-vitals.iife.js",
            "odoo_telemetry/static/src/browser/*.js",
            # no form of the web client opens a page
            ("remove", "odoo_telemetry/static/src/browser/forms.js"),
            "odoo_telemetry/static/src/lazy.js",
            "odoo_telemetry/static/src/tour.js",
        ],
        # what every public page loads at once; the rest of its scripts waits until the page is loaded
        "web.assets_frontend_minimal": [
            "odoo_telemetry/static/lib/web-vitals/web-vitals.iife.js",
            "odoo_telemetry/static/src/browser/*.js",
            ("remove", "odoo_telemetry/static/src/browser/web_client.js"),
        ],
        "web.assets_frontend_lazy": [
            ("remove", "odoo_telemetry/static/lib/web-vitals/web-vitals.iife.js"),
            ("remove", "odoo_telemetry/static/src/browser/*.js"),
        ],
        # loaded when a page of Telemetry is first shown
        "odoo_telemetry.assets_pages": [
            "odoo_telemetry/static/src/common/**",
            "odoo_telemetry/static/src/overview/**",
            "odoo_telemetry/static/src/explorer/**",
            "odoo_telemetry/static/src/preview/**",
            "odoo_telemetry/static/src/systray/**",
        ],
    },
    "post_load": "post_load",
    "pre_init_hook": "pre_init_hook",
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
    "installable": True,
}
