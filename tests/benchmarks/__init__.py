"""Measurements, each beside a named baseline in the same run: ``make bench``, or ``python -m tests.benchmarks.<name>``.

They print ratios and never fail; what they showed is in docs/benchmarks.md.
"""

import sys
from pathlib import Path

# The package metrics imports nothing of Odoo; the addon that holds it does.
sys.path.append(str(Path(__file__).parents[2] / "influencegen_telemetry"))
