"""The bundled catalogue: descriptions and weights of much-served models, in our own form.

A model is one JSON object; its layers are the distinct kinds and a word of letters, one letter a
layer, written as the shortest piece that repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from mixvllm.models import description
from mixvllm.models.description import Layer, ModelDescription
from mixvllm.models.sources.catalogue_file import stored_models
from mixvllm.models.weights.groups import WeightFacts

LETTERS = "abcdefghijklmnop"


@dataclass(frozen=True)
class CatalogueEntry:
    """One model of the catalogue; `weights` is None where they are not known."""

    description: ModelDescription
    weights: WeightFacts | None


def entries() -> tuple[ModelDescription, ...]:
    """The descriptions of all its models, in their order."""
    return tuple(unpacked(name, stored).description for name, stored in stored_models().items())


def look_up(name: str) -> CatalogueEntry | None:
    """The model of this name, large and small letters alike; None where there is none."""
    stored = stored_models()
    key = name if name in stored else _by_small_letters().get(name.lower())
    return None if key is None else unpacked(key, stored[key])


def packed(entry: CatalogueEntry) -> dict[str, Any]:
    """An entry as the file has it."""
    model = entry.description
    stored: dict[str, Any] = {
        field.name: value
        for field in fields(model)
        if field.name not in ("name", "layers")
        and (value := getattr(model, field.name)) != field.default
    }
    kinds = list(dict.fromkeys(model.layers))
    word = "".join(LETTERS[kinds.index(layer)] for layer in model.layers)
    stored["kinds"] = [[type(kind).__name__, *_values(kind)] for kind in kinds]
    stored["order"] = [_repeating(word), len(word)]
    if entry.weights is not None:
        stored["weights"] = {
            field.name: value
            for field in fields(entry.weights)
            if (value := getattr(entry.weights, field.name)) is not None
        }
    return stored


def unpacked(name: str, stored: Mapping[str, Any]) -> CatalogueEntry:
    """The entry that the file has under a name."""
    values = dict(stored)
    kinds: list[Layer] = [
        getattr(description, kind)(*arguments) for kind, *arguments in values.pop("kinds")
    ]
    piece, count = values.pop("order")
    weights = values.pop("weights", None)
    layers = tuple(
        kinds[LETTERS.index(letter)] for letter in (piece * (count // len(piece) + 1))[:count]
    )
    return CatalogueEntry(
        ModelDescription(name=name, layers=layers, **values),
        None if weights is None else WeightFacts(**weights),
    )


@cache
def _by_small_letters() -> dict[str, str]:
    return {name.lower(): name for name in stored_models()}


def _values(kind: Layer) -> list[object]:
    return [getattr(kind, field.name) for field in fields(kind)]


def _repeating(word: str) -> str:
    """The shortest beginning that, repeated and cut, gives the word."""
    for length in range(1, len(word)):
        if (word[:length] * (len(word) // length + 1))[: len(word)] == word:
            return word[:length]
    return word
