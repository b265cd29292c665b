"""Shapes of documents that take a GPU, a server or vLLM: of values made for what writes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeVar

from mixvllm.chat.events import Answered, CallFinished, Event, Failed, ReasoningPiece
from mixvllm.cli.chat_once import Outcome
from mixvllm.cli.json_shape import Shape, merged, shape_of
from mixvllm.cli.sample_values import samples
from mixvllm.gpus.device import Gpu, Inventory
from mixvllm.memory.answer import ExactCheck
from mixvllm.models.find import find_model
from mixvllm.render.placement import placement_as_json
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizes import GIB
from mixvllm.sizing.placement import place
from mixvllm.sizing.present import as_present
from mixvllm.sizing.request import Choices, estimate_request

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"

T = TypeVar("T")


def shape_of_class(kind: type[T], as_json: Callable[[T], object]) -> Shape:
    """The shape of what is written of a dataclass, whatever of it is known."""
    shape = merged(shape_of(as_json(sample)) for sample in samples(kind))
    assert shape is not None
    return shape


def exact_shape() -> Shape:
    """What `--exact` adds to an estimate."""
    return shape_of({"exact": None}) | shape_of_class(
        ExactCheck, lambda check: {"exact": asdict(check)}
    )


def placement_shape() -> Shape:
    """`gpus --for` where one GPU takes the model and nobody knows the other's size, and nowhere."""
    request = estimate_request(ServeConfig.model_validate({"model": {"name": LLAMA}}), Choices())
    full, bare = samples(Inventory)
    size = 48 * GIB
    known = replace(samples(Gpu)[0], name="NVIDIA L40S", memory_total_bytes=size, visible_as=0)
    known = replace(known, memory_free_bytes=size)
    both = replace(full, gpus=(known, Gpu(1, visible_as=1)))
    found = find_model(LLAMA, may_ask_the_hub=False)
    shape = merged(
        shape_of(placement_as_json(place(found, request, as_present(each), None), each))
        for each in (both, bare)
    )
    assert shape is not None
    return shape


def conversation_shape() -> Shape:
    """`chat` with a call of a tool and its answer, and where the answer broke off."""
    called = (samples(CallFinished)[0], ReasoningPiece("text"), samples(Answered)[0])
    told = [_outcome(*called), *(_outcome(failed) for failed in samples(Failed))]
    shape = merged(shape_of(outcome.as_json(LLAMA)) for outcome in told)
    assert shape is not None
    return shape


def _outcome(*events: Event) -> Outcome:
    outcome = Outcome()
    for event in events:
        outcome.take(event)
    return outcome
