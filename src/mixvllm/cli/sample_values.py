"""Values of a class by its fields' types: what documents are made of where no machine has them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
PLAIN: dict[object, object] = {str: "text", int: 1, float: 1.0, bool: True}


def samples(kind: type[T]) -> tuple[T, T]:
    """One where everything is known, and one where all is None or empty that may be."""
    full, bare = _sample(kind, is_full=True), _sample(kind, is_full=False)
    return cast("T", full), cast("T", bare)


def _sample(hint: Any, *, is_full: bool) -> object:
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        values = {each.name: _sample(hints[each.name], is_full=is_full) for each in fields(hint)}
        return cast("type", hint)(**values)
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return inner[0]
    if get_origin(hint) is tuple:
        # Of what there are several, one may lack what the other has.
        return (_sample(inner[0], is_full=True), _sample(inner[0], is_full=False)) * is_full
    if type(None) in inner:
        return _sample(inner[0], is_full=True) if is_full else None
    raise TypeError(f"no sample is known of {hint}")
