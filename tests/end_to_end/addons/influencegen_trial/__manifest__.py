{
    "name": "InfluenceGen trial",
    "summary": "Transactions that fail in chosen places, for tests",
    "version": "1.0.0",
    "category": "Hidden",
    "author": "InfluenceGen",
    "website": "https://github.com/influencegen/telemetry",
    "license": "LGPL-3",
    "depends": ["influencegen"],
    "installable": True,
}
