"""`make dashboards`: write all dashboards anew, each in the folder of whom it is for."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from prometheus.generator.thresholds import Refused

from .frame import Page

FOLDER = Path(__file__).parents[1]
PERSONAS = ("administrators", "operations", "business")
"""Folders of dashboards; in Grafana they have the same names, see provisioning/dashboards.yml."""


def pages() -> dict[str, tuple[Page, ...]]:
    """Return the pages of each persona.

    :raises Refused: when thresholds/ has a figure that can't be meant.
    """
    from . import (
        ai_image_generation_service_kpis,
        business_operations_overview,
        n8n_ai_integration_performance,
        odoo_system_health,
        onboarding_funnel,
        postgresql,
        slo,
        telemetry,
    )

    contents = (
        (odoo_system_health, postgresql, telemetry),
        (n8n_ai_integration_performance, ai_image_generation_service_kpis, slo),
        (business_operations_overview, onboarding_funnel),
    )
    return {
        persona: tuple(module.PAGE for module in modules) for persona, modules in zip(PERSONAS, contents, strict=True)
    }


def texts() -> dict[Path, str]:
    """Return what each file holds."""
    return {
        FOLDER / persona / f"{page.uid.replace('-', '_')}.json": json.dumps(
            page.build(), cls=JSONEncoder, indent=2, ensure_ascii=False
        )
        + "\n"
        for persona, found in pages().items()
        for page in found
    }


def main() -> None:
    """Write the file of each dashboard, and delete those that are not written any more."""
    try:
        written = texts()
    except Refused as refused:
        sys.exit(f"prometheus/thresholds: {refused}")
    for persona in PERSONAS:
        (FOLDER / persona).mkdir(exist_ok=True)
        for path in set((FOLDER / persona).glob("*.json")) - written.keys():
            path.unlink()
    for path, text in written.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
