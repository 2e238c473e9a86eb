"""For Odoo's shell: the addresses of the services, and the secrets."""

from pathlib import Path

SECRETS = Path("/run/secrets")


def monitored(name, port):
    """Return the URL of a monitoring server, with its credentials."""
    password = (SECRETS / f"{name}_password").read_text().strip()
    return f"http://influencegen:{password}@{name}:{port}"


parameters = {
    "web.base.url": "http://127.0.0.1:8069",
    "web.base.url.freeze": "True",
    "influencegen.n8n_webhook_url": "http://n8n:5678/webhook/influencegen-image",
    "influencegen.kyc_url": "http://kyc-provider:8091",
    "influencegen.payment_url": "http://kyc-provider:8091/payments",
    "influencegen.callback_url": "http://odoo:8069/influencegen/image/callback",
    "odoo_telemetry.grafana_url": "http://127.0.0.1:3000",
    # addresses at which Odoo's server, not a browser, reads history and alerts
    "odoo_telemetry.prometheus_url": monitored("prometheus", 9090),
    "odoo_telemetry.alertmanager_url": monitored("alertmanager", 9093),
    "influencegen.webhook_secret": (SECRETS / "webhook_secret").read_text().strip(),
}
for name, value in parameters.items():
    env["ir.config_parameter"].sudo().set_param(name, value)  # noqa: F821
env.ref("base.user_admin").password = (SECRETS / "admin_password").read_text().strip()  # noqa: F821
env["telemetry.settings"]._set_scrape_token((SECRETS / "scrape_token").read_text().strip())  # noqa: F821
env.cr.commit()  # noqa: F821
