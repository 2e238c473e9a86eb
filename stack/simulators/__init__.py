"""Simulators for the services around the platform: real HTTP servers that work, misbehave when told, and keep count."""
