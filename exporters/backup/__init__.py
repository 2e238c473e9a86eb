"""Makes backups on a schedule, verifies each of them, and exports the results to Prometheus."""
