{
    "name": "InfluenceGen telemetry",
    "summary": "Measures the InfluenceGen platform and the Odoo it runs on, for Prometheus",
    "version": "1.1.1",
    "category": "Marketing",
    "author": "InfluenceGen",
    "website": "https://github.com/influencegen/telemetry",
    "license": "LGPL-3",
    "depends": ["influencegen", "web_tour"],
    "external_dependencies": {"python": ["prometheus_client"]},
    "data": [
        "security/ir.model.access.csv",
        "data/audit.xml",
        "data/own_metric_reader.xml",
        "data/tour.xml",
        "views/overview_views.xml",
        "views/res_config_settings_views.xml",
        "views/res_users_views.xml",
        "views/menus.xml",
        "views/own_metric_views.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "influencegen_telemetry/static/lib/web-vitals/web-vitals.iife.js",
            "influencegen_telemetry/static/src/browser/*.js",
            "influencegen_telemetry/static/src/lazy.js",
            "influencegen_telemetry/static/src/tour.js",
        ],
        # what every public page loads at once; the rest of its scripts waits until the page is loaded
        "web.assets_frontend_minimal": [
            "influencegen_telemetry/static/lib/web-vitals/web-vitals.iife.js",
            "influencegen_telemetry/static/src/browser/*.js",
            ("remove", "influencegen_telemetry/static/src/browser/web_client.js"),
        ],
        "web.assets_frontend_lazy": [
            ("remove", "influencegen_telemetry/static/lib/web-vitals/web-vitals.iife.js"),
            ("remove", "influencegen_telemetry/static/src/browser/*.js"),
        ],
        # loaded when a page of Telemetry is first shown
        "influencegen_telemetry.assets_pages": [
            "influencegen_telemetry/static/src/common/**",
            "influencegen_telemetry/static/src/overview/**",
            "influencegen_telemetry/static/src/explorer/**",
            "influencegen_telemetry/static/src/systray/**",
        ],
    },
    "post_load": "post_load",
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
    "installable": True,
}
