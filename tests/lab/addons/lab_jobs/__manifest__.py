{
    "name": "Jobs of the lab",
    "version": "1.0.0",
    "license": "LGPL-3",
    "depends": ["queue_job", "odoo_telemetry"],
}
