"""What hardware is present."""
