"""Small exporters for what no maintained exporter covers."""
