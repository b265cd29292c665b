from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from mixvllm.memory.estimate import estimate
from mixvllm.memory.growth import Growth, growth
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.find import find_model

GIB = 1 << 30
POOL = EstimateRequest(kv_cache_memory_bytes=40 * GIB)
MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "openai/gpt-oss-20b",
    "deepseek-ai/DeepSeek-V3",
    "Qwen/Qwen3.5-27B",
    "google/gemma-4-26B-A4B",
)


def grown(name: str, request: EstimateRequest = POOL) -> Growth:
    found = find_model(name, may_ask_the_hub=False)
    return growth(found.description, found.weights, request)


@pytest.mark.parametrize("name", MODELS)
def test_a_longer_request_takes_no_less_and_no_more_of_them_run(name: str) -> None:
    points = grown(name).points

    for shorter, longer in pairwise(points):
        assert shorter.tokens < longer.tokens
        assert shorter.size_bytes <= longer.size_bytes
        assert (shorter.max_concurrency or 0) >= (longer.max_concurrency or 0)
        assert shorter.fits or not longer.fits


@pytest.mark.parametrize("name", MODELS)
def test_a_point_is_what_the_estimate_of_its_length_says(name: str) -> None:
    found = find_model(name, may_ask_the_hub=False)
    for point in grown(name).points[15::32]:
        request = replace(POOL, max_model_len=point.tokens)
        answer = estimate(found.description, found.weights, found.source, request)
        assert point.size_bytes == answer.kv_cache.bytes_per_request_per_gpu
        assert answer.capacity is not None
        assert point.max_concurrency == answer.capacity.max_concurrency
        assert point.fits == answer.capacity.fits


def test_windows_and_states_stop_growing_and_full_attention_does_not() -> None:
    first, *_, last = grown("openai/gpt-oss-20b").points[32:]
    assert first.bytes_per_kind["sliding_window"] == last.bytes_per_kind["sliding_window"]
    assert first.bytes_per_kind["full_attention"] < last.bytes_per_kind["full_attention"]


def test_without_memory_nothing_is_said_of_what_fits() -> None:
    point = grown(MODELS[0], EstimateRequest()).points[-1]
    assert (point.max_concurrency, point.fits) == (None, None)
