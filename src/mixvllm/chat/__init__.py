"""A conversation with a served model: events out, no terminal."""
