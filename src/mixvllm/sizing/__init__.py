"""What settings mean for a model on this hardware: estimated, checked, solved, tuned."""
