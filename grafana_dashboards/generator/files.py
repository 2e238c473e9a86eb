"""The files of the dashboards: which there are, what they hold, and how they are written."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from .frame import Page
from .limits import ThresholdError

ROOT = Path(__file__).parents[1]


def pages() -> dict[str, tuple[Page, ...]]:
    """Return the pages by their folder below grafana_dashboards/; provisioning/ has the folders of Grafana.

    :raises ThresholdError: when prometheus/thresholds/ has an invalid value.
    """
    from .influencegen import (
        ai_image_generation_service_kpis,
        business_operations_overview,
        n8n_ai_integration_performance,
        onboarding_funnel,
        slo,
    )
    from .odoo import odoo_jobs, odoo_models, odoo_system_health, postgresql, telemetry

    return {
        "odoo": (odoo_system_health.PAGE, odoo_models.PAGE, odoo_jobs.PAGE, postgresql.PAGE, telemetry.PAGE),
        "influencegen/operations": (
            n8n_ai_integration_performance.PAGE,
            ai_image_generation_service_kpis.PAGE,
            slo.PAGE,
        ),
        "influencegen/business": (business_operations_overview.PAGE, onboarding_funnel.PAGE),
    }


def texts() -> dict[Path, str]:
    """Return the text of each file.

    :raises ThresholdError: as of :func:`pages`.
    """
    return {
        ROOT / folder / f"{page.uid.replace('-', '_')}.json": json.dumps(
            page.build(), cls=JSONEncoder, indent=2, ensure_ascii=False
        )
        + "\n"
        for folder, found in pages().items()
        for page in found
    }


def main() -> None:
    """Write the file of each dashboard, and delete those that are no longer written."""
    try:
        written = texts()
    except ThresholdError as error:
        sys.exit(f"prometheus/thresholds: {error}")
    for folder in {path.parent for path in written}:
        folder.mkdir(parents=True, exist_ok=True)
        for path in set(folder.glob("*.json")) - written.keys():
            path.unlink()
    for path, text in written.items():
        path.write_text(text)
