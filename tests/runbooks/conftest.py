import sys
from pathlib import Path

# The package metrics imports nothing of Odoo; the addon that holds it does.
sys.path.append(str(Path(__file__).parents[2] / "influencegen_telemetry"))
