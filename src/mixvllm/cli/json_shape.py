"""The shape of JSON documents: which keys there are, and of which types, seen from examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

INDENT = "  "
OBJECT, LIST = "object", "list"


@dataclass(frozen=True)
class Shape:
    """What a place of a document may hold.

    Attributes:
        kinds: The types that were seen: text, number, true/false, null, object, list.
        fields: Of the objects: each key with what it holds.
        items: Of the lists: what their entries are; None where none had any.
    """

    kinds: frozenset[str]
    fields: Mapping[str, Shape] = field(default_factory=dict)
    items: Shape | None = None

    def __or__(self, other: Shape) -> Shape:
        """What either may hold."""
        fields = dict(self.fields)
        for key, shape in other.fields.items():
            fields[key] = fields[key] | shape if key in fields else shape
        items = merged(each for each in (self.items, other.items) if each is not None)
        return Shape(self.kinds | other.kinds, fields, items)


def shape_of(value: object) -> Shape:
    """The shape of one document."""
    match value:
        case None:
            return Shape(frozenset({"null"}))
        case bool():
            return Shape(frozenset({"true/false"}))
        case int() | float():
            return Shape(frozenset({"number"}))
        case str():
            return Shape(frozenset({"text"}))
        case Mapping():
            return Shape(frozenset({OBJECT}), {str(k): shape_of(v) for k, v in value.items()})
        case Sequence():
            return Shape(frozenset({LIST}), items=merged(map(shape_of, value)))
        case _:
            raise TypeError(f"JSON has no {type(value).__name__}")


def merged(shapes: Iterable[Shape]) -> Shape | None:
    """One shape for several; None where there are none."""
    found = list(shapes)
    return reduce(Shape.__or__, found) if found else None


def shape_text(shape: Shape) -> str:
    """The shape as text that reads like the document."""
    return "\n".join(_lines(shape, "", 0))


def _lines(shape: Shape, before: str, depth: int) -> Iterator[str]:
    simple = sorted(shape.kinds - {OBJECT, LIST}, key=lambda kind: (kind == "null", kind))
    otherwise = "".join(f" or {kind}" for kind in simple)
    indent = INDENT * depth
    if shape.fields:
        yield f"{indent}{before}{{"
        for key, inner in shape.fields.items():
            yield from _lines(inner, f'"{key}": ', depth + 1)
        yield f"{indent}}}{otherwise}"
    elif shape.items is not None and (shape.items.fields or shape.items.items):
        yield f"{indent}{before}["
        yield from _lines(shape.items, "", depth + 1)
        yield f"{indent}]{otherwise}"
    elif LIST in shape.kinds:
        of = f" of {_names(shape.items)}" if shape.items else ""
        yield f"{indent}{before}list{of}{otherwise}"
    else:
        yield f"{indent}{before}{_names(shape)}"


def _names(shape: Shape) -> str:
    return " or ".join(sorted(shape.kinds, key=lambda kind: (kind == "null", kind)))
