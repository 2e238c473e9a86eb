-- of a database of 1.1 or before, which odoo_telemetry has not taken over yet: Odoo neutralizes installed addons only

-- no scrape token of production opens this database
DELETE FROM ir_config_parameter
 WHERE key IN ('influencegen_telemetry.token_digests', 'influencegen_telemetry.token_database');

-- the pages show and open nobody else's monitoring
DELETE FROM ir_config_parameter
 WHERE key IN (
       'influencegen_telemetry.grafana_url',
       'influencegen_telemetry.prometheus_url',
       'influencegen_telemetry.alertmanager_url'
);
