"""Small exporters for what no well-kept exporter covers."""
