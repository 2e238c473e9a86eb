"""Checks: facts against counters and Prometheus, coverage of the specification, tests, lint and audits."""
