"""The servers that the system runs: how each is configured, started and reached."""
