"""Fields that two records have under one name."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol


class Record(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def named_alike(kind: type[Record], *sources: Record) -> dict[str, Any]:
    """The fields of `kind` that the sources have by the same name; the last source wins."""
    return {
        each.name: getattr(source, each.name)
        for source in sources
        for each in fields(kind)
        if hasattr(source, each.name)
    }
