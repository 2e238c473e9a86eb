"""Move the counts of custom counters from the table of their facts to the ledger."""

NAME = """
    'odoo_custom_' || m.name || '_total' || coalesce(
        (SELECT '{' || string_agg(d.label, ',' ORDER BY d.id) || '}'
         FROM telemetry_own_dimension d WHERE d.metric_id = m.id), '')
"""
CURRENT = """
    telemetry_own_fact f
    JOIN telemetry_own_metric m ON (m.id, m.revision) = (f.metric_id, f.revision) AND m.kind != 'gauge'
"""


def migrate(cr, version):
    """Take what was counted into the ledger, in the order of first facts, and drop the table."""
    cr.execute("SELECT to_regclass('telemetry_own_fact')")
    if not cr.fetchone()[0]:
        return
    cr.execute(
        f"""
        INSERT INTO telemetry_entry (metric, labels, amount)
        SELECT {NAME}, f.labels, sum(f.amount) FROM {CURRENT}
        WHERE json_array_length(f.labels::json) =
            (SELECT count(*) FROM telemetry_own_dimension d WHERE d.metric_id = m.id)
        GROUP BY m.id, f.labels ORDER BY min(f.id);
        INSERT INTO telemetry_total (metric, labels, sample, amount)
        SELECT 'odoo_custom_' || m.name || '_total{{}} not counted', '[]', '', sum(f.amount) FROM {CURRENT}
        WHERE f.labels IS NULL GROUP BY m.id;
        DROP TABLE telemetry_own_fact
        """
    )
