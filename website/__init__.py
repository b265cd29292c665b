"""What builds the manual as a site (`nox -s docs`)."""
