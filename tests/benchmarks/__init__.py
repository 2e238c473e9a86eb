"""Measurements, each beside a named baseline in the same run: ``make bench``, or ``python -m tests.benchmarks.<name>``.

They print ratios and never fail; what they showed is in docs/benchmarks.md.
"""
