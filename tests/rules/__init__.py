"""What the rules of Prometheus and Alertmanager must do."""
