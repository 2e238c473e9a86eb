"""Writes the documents that are generated; `make docs` calls it."""
