"""The models that a server has, and which of them is talked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mixvllm.errors import ModelChoiceError
from mixvllm.settings.names import nearest

# What vLLM says of whose its models are.
VLLM = "vllm"


@dataclass(frozen=True)
class ServedModel:
    """One model of a server, as `/v1/models` tells of it.

    Attributes:
        name: What requests call it.
        context_length: The most tokens of prompt and answer together, or None if not told.
        root: The name or path it was loaded by, where that is told: an alias says less.
        parent: The model that an adapter belongs to, or None.
        is_of_vllm: Whether vLLM serves it, by its own word.
    """

    name: str
    context_length: int | None = None
    root: str | None = None
    parent: str | None = None
    is_of_vllm: bool = False


def models_in(document: Any) -> tuple[ServedModel, ...]:
    """The models of a `/v1/models` answer; entries that name none are left out."""
    listed = document.get("data") if isinstance(document, dict) else None
    cards = [card for card in listed or () if isinstance(card, dict) and card.get("id")]
    return tuple(
        ServedModel(
            name=str(card["id"]),
            context_length=length if isinstance(length := card.get("max_model_len"), int) else None,
            root=card.get("root") or None,
            parent=card.get("parent") or None,
            is_of_vllm=card.get("owned_by") == VLLM,
        )
        for card in cards
    )


def choose_model(models: Sequence[ServedModel], wanted: str | None = None) -> ServedModel:
    """The model to talk to: the one asked for, or the only one.

    Several names of one model count as one, and the first of them is taken.

    Raises:
        ModelChoiceError: it is not there, there is none, or there are several to choose from.
    """
    names = [model.name for model in models]
    listed = ", ".join(names)
    if not models:
        raise ModelChoiceError("The server lists no model.")
    if wanted is not None:
        found = next((model for model in models if model.name == wanted), None)
        if found is None:
            near = nearest(wanted, names)
            raise ModelChoiceError(
                f"The server has no model {wanted}; it has {listed}.",
                hint=f"Did you mean {near}?" if near and len(names) > 1 else None,
                names=names,
            )
        return found
    first = models[0]
    same = all(model.root and model.root == first.root and not model.parent for model in models)
    if len(models) > 1 and not same:
        raise ModelChoiceError(
            f"The server has {len(models)} models: {listed}.",
            hint=f"Choose one: --model {names[0]}",
            names=names,
        )
    return first
