"""What a server measures of itself, and Prometheus' text of it."""
