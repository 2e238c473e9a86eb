-- For a database of version 1.1 or earlier: it does not have odoo_telemetry, whose neutralize.sql deletes these
-- parameters in later versions, and Odoo runs the neutralize.sql of installed addons only

-- no scrape token of production opens this database
DELETE FROM ir_config_parameter
 WHERE key IN ('influencegen_telemetry.token_digests', 'influencegen_telemetry.token_database');

-- the pages neither show nor link to the monitoring of production
DELETE FROM ir_config_parameter
 WHERE key IN (
       'influencegen_telemetry.grafana_url',
       'influencegen_telemetry.prometheus_url',
       'influencegen_telemetry.alertmanager_url'
);
