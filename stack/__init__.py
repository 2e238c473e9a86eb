"""Brings the whole system up on one machine, without containers."""
