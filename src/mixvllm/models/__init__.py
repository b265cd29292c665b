"""What a checkpoint is and where it is found; never loads weights."""
