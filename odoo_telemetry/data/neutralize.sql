-- no scrape token of production opens this database
DELETE FROM ir_config_parameter
 WHERE key IN ('odoo_telemetry.token_digests', 'odoo_telemetry.token_database');

-- the pages neither show nor link to the monitoring of production
DELETE FROM ir_config_parameter
 WHERE key IN (
       'odoo_telemetry.grafana_url',
       'odoo_telemetry.prometheus_url',
       'odoo_telemetry.alertmanager_url'
);
