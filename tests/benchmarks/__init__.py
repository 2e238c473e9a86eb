"""Measurements: ``make bench``, or ``python -m tests.benchmarks.<name>``.

Most have a named baseline in the same run. They print ratios and never fail; what they showed is in docs/benchmarks.md.
"""
