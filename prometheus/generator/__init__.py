"""Writes the rules of Prometheus from the catalogue, prometheus.yml and thresholds.yml; `make rules` calls it."""
