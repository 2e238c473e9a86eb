"""Writes the generated part of n8n's SQL; `make docs` calls it."""
