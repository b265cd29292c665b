"""Names of models: the reserved one, and which of them can only be paths."""

from __future__ import annotations

# The reserved name of the embedded model.
DEMO = "demo"


def is_path(name: str) -> bool:
    """Whether a name can be nothing but a path: on the hub a model is NAME or OWNER/NAME."""
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or name in (".", "..")
