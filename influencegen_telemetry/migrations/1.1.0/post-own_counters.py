"""Custom counters go on in the ledger where the table of their facts ends."""

NAME = """
    'influencegen_own_' || m.name || '_total' || coalesce(
        (SELECT '{' || string_agg(d.label, ',' ORDER BY d.id) || '}'
         FROM influencegen_telemetry_own_dimension d WHERE d.metric_id = m.id), '')
"""
CURRENT = """
    influencegen_telemetry_own_fact f
    JOIN influencegen_telemetry_own_metric m ON (m.id, m.revision) = (f.metric_id, f.revision) AND m.kind != 'gauge'
"""


def migrate(cr, version):
    """Take what was counted into the ledger, in the order of first facts, and drop the table."""
    cr.execute("SELECT to_regclass('influencegen_telemetry_own_fact')")
    if not cr.fetchone()[0]:
        return
    cr.execute(
        f"""
        INSERT INTO influencegen_telemetry_entry (metric, labels, amount)
        SELECT {NAME}, f.labels, sum(f.amount) FROM {CURRENT}
        WHERE json_array_length(f.labels::json) =
            (SELECT count(*) FROM influencegen_telemetry_own_dimension d WHERE d.metric_id = m.id)
        GROUP BY m.id, f.labels ORDER BY min(f.id);
        INSERT INTO influencegen_telemetry_total (metric, labels, sample, amount)
        SELECT 'influencegen_own_' || m.name || '_total{{}} not counted', '[]', '', sum(f.amount) FROM {CURRENT}
        WHERE f.labels IS NULL GROUP BY m.id;
        DROP TABLE influencegen_telemetry_own_fact
        """
    )
