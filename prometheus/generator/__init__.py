"""Writes the rules of Prometheus from the catalogue, prometheus.yml and thresholds/; `make rules` calls it."""
