"""The project's own exporters: of backups, GPUs and PostgreSQL's slow queries."""
