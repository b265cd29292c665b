"""For which settings a measurement holds, and what an estimate makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from mixvllm.memory.answer import Estimate
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.kv.blocks import resolved_dtype
from mixvllm.memory.measured import Measurement, conditions_of
from mixvllm.memory.request import EstimateRequest, serving_facts
from mixvllm.models.sources.catalogue import look_up
from mixvllm.sizes import GIB

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
PICTURES = "Qwen/Qwen2.5-VL-7B-Instruct"
REQUEST = EstimateRequest(max_model_len=32_768, gpu=find_gpu("H100"), enforce_eager=True)


def measurement(model: str = MODEL, request: EstimateRequest = REQUEST) -> Measurement:
    entry = look_up(model)
    assert entry is not None
    assert request.gpu is not None
    serving = serving_facts(entry.description, request)
    conditions = conditions_of(
        entry.description,
        serving,
        request.gpu,
        quantization=entry.description.quantization,
        kv_cache_dtype=resolved_dtype(entry.description, serving),
        arguments=request.memory_arguments,
    )
    assert conditions is not None
    return Measurement(conditions, "2026-11-22", "0.33.0", 20 * GIB, 15 * GIB)


def estimated(model: str = MODEL, **changes: Any) -> Estimate:
    entry = look_up(model)
    assert entry is not None
    request = replace(REQUEST, measurements=(measurement(model),), **changes)
    return estimate(entry.description, entry.weights, "catalogue", request)


def test_what_was_measured_takes_the_place_of_the_estimate() -> None:
    answer = estimated()

    assert answer.measured is not None
    assert answer.budget is not None
    assert answer.budget.requested_bytes is not None
    assert answer.budget.kv_cache.best == answer.budget.requested_bytes - 20 * GIB
    assert answer.budget.weights_bytes == 15 * GIB
    assert answer.budget.activation.best == 5 * GIB
    assert answer.capacity is not None
    assert answer.capacity.tokens_low is not None
    assert answer.capacity.tokens_low < answer.capacity.tokens


@pytest.mark.parametrize(
    "changes",
    [
        {"max_model_len": 4096},
        {"max_model_len": "auto"},
        {"gpu_memory_utilization": 0.5},
        {"gpu": find_gpu("H100:79.1GiB")},
        {"block_size": 32},
    ],
)
def test_it_holds_where_only_what_is_left_is_divided_otherwise(changes: dict[str, Any]) -> None:
    assert estimated(**changes).measured is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu": find_gpu("H200")},
        {"gpu": find_gpu("H100:60GiB")},
        {"gpu": find_gpu("80GiB")},
        {"tensor_parallel_size": 2},
        {"pipeline_parallel_size": 2},
        {"data_parallel_size": 2},
        {"dtype": "float32"},
        {"kv_cache_dtype": "fp8"},
        {"quantization": "fp8"},
        {"max_num_batched_tokens": 2048},
        {"max_num_seqs": 128},
        {"enforce_eager": False},
        {"memory_arguments": '{"swap_space": 4}'},
        {"kv_cache_memory_bytes": GIB},
    ],
)
def test_it_does_not_hold_where_something_else_moves_the_memory(changes: dict[str, Any]) -> None:
    assert estimated(**changes).measured is None


def test_another_release_is_another_memory() -> None:
    other = replace(measurement().conditions, release="0.32")

    assert not other.hold_for(measurement().conditions)


def test_an_encoder_that_is_profiled_at_the_length_holds_for_that_length_alone() -> None:
    assert estimated(PICTURES).measured is not None
    assert estimated(PICTURES, max_model_len=4096).measured is None


def test_of_several_that_hold_the_first_is_taken() -> None:
    entry = look_up(MODEL)
    assert entry is not None
    newest, older = measurement(), replace(measurement(), taken_bytes=30 * GIB)
    request = replace(REQUEST, measurements=(newest, older))
    answer = estimate(entry.description, entry.weights, "catalogue", request)

    assert answer.measured is newest


def test_no_change_is_suggested_that_is_better_only_than_the_measurement() -> None:
    # Measured 5 GiB beside the weights, by our estimate it is some 2 GiB.
    changes = [each.change for each in estimated().suggestions]

    assert not [change for change in changes if "batched" in change]
