"""The places a model can come from."""
