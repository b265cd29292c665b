"""What was asked for, and by whom: schema, layers, provenance, problems."""
