"""Builds the dashboards of Grafana; `make dashboards` writes them."""
