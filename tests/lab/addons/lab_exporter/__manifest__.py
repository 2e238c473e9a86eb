{
    "name": "An exporter of metrics, for the lab",
    "summary": "Answers /metrics, as telemetry does",
    "version": "1.0.0",
    "category": "Hidden",
    "author": "InfluenceGen",
    "website": "https://github.com/influencegen/telemetry",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": True,
}
