"""Writes what of n8n's SQL is generated; `make docs` calls it."""
