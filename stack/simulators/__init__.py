"""Simulators for the services around the platform: real HTTP servers that can misbehave, and that count requests."""
