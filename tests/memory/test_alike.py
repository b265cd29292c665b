from __future__ import annotations

from dataclasses import dataclass, fields

from mixvllm.memory.alike import named_alike
from mixvllm.memory.answer import EffectiveSettings
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.serving import ServingFacts


@dataclass(frozen=True)
class Shape:
    width: int = 1
    height: int = 2


@dataclass(frozen=True)
class Colour:
    height: int = 5
    red: int = 6


def test_only_fields_of_one_name_are_taken_and_the_last_source_wins() -> None:
    assert named_alike(Shape, Colour()) == {"height": 5}
    assert named_alike(Shape, Shape(), Colour()) == {"width": 1, "height": 5}


def test_what_is_settled_with_the_request_has_one_name_everywhere() -> None:
    settled = {"dtype", "kv_cache_dtype", "quantization", "block_size"}
    taken = named_alike(EffectiveSettings, EstimateRequest(), ServingFacts(max_model_len=1))
    assert {field.name for field in fields(EffectiveSettings)} <= set(taken) | settled
