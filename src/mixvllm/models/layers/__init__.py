"""A decoder's layers from its config, one module a kind of model."""
