"""Makes backups on a schedule, restores each of them to see that it is good, and exports the results to Prometheus."""
