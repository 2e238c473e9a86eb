-- no scrape token of production opens this database
DELETE FROM ir_config_parameter
 WHERE key IN ('odoo_telemetry.token_digests', 'odoo_telemetry.token_database');

-- the pages show and open nobody else's monitoring
DELETE FROM ir_config_parameter
 WHERE key IN (
       'odoo_telemetry.grafana_url',
       'odoo_telemetry.prometheus_url',
       'odoo_telemetry.alertmanager_url'
);
