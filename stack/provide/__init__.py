"""Obtains parts of the system: packages from Debian, npm and PyPI, Odoo's source, a browser."""
