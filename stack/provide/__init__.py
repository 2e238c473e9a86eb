"""Where parts of the system come from: Debian, npm, PyPI, a browser."""
