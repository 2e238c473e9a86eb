"""The health of n8n, which AI images need."""

from urllib.parse import urljoin

import psycopg2
import requests

from odoo.addons.odoo_telemetry.odoo_hooks import health

SECONDS = 1.0
WEBHOOK_PARAMETER = "influencegen.n8n_webhook_url"


def check():
    """Check that the n8n of each measured database responds; unknown if none is set, or the setting can't be read."""
    statement = "SELECT value FROM ir_config_parameter WHERE key = %s"
    try:
        urls = {
            url
            for database in health.measured()
            for (url,) in health.query(database, statement, WEBHOOK_PARAMETER)
            if url
        }
    except psycopg2.Error:
        return health.UNKNOWN
    if not urls:
        return health.UNKNOWN
    return health.OK if all(map(_answers, urls)) else health.FAILED


def _answers(url):
    try:
        with requests.get(urljoin(url, "/healthz"), timeout=SECONDS, allow_redirects=False, stream=True) as response:
            return response.status_code < 500
    except requests.RequestException:
        return False


health.declare_check("n8n", check, seconds=15.0)
