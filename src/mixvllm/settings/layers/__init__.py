"""The four layers that settings come from, each read into the same `Reading`."""
