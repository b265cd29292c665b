"""The file of the bundled catalogue, as it is stored: its names cost no description of a model."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

# Not importlib.resources: it takes a sixth of the time that an answer may take.
FILE = Path(__file__).parents[1] / "catalogue" / "models.json"


def names() -> tuple[str, ...]:
    """The models of the catalogue in their order."""
    return tuple(stored_models())


@cache
def stored_models() -> dict[str, Any]:
    """Each model by its name, as `catalogue.unpacked` reads it."""
    stored: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return stored
