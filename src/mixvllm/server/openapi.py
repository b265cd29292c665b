"""One OpenAPI document for our routes and the engine's."""

from __future__ import annotations

from typing import Any


def merge(ours: dict[str, Any], engines: dict[str, Any] | None) -> dict[str, Any]:
    """Our document with the engine's paths and components; our paths shadow the engine's."""
    if not engines:
        return ours
    components: dict[str, Any] = {}
    for document in (engines, ours):
        for kind, entries in document.get("components", {}).items():
            components[kind] = {**components.get(kind, {}), **entries}
    return {
        **ours,
        "paths": {**engines.get("paths", {}), **ours.get("paths", {})},
        "components": components,
    }
