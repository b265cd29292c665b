from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixvllm.errors import EstimateError
from mixvllm.memory.answer import Estimate
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest, Load
from mixvllm.models.find import find_model

GIB = 1 << 30
POOL = EstimateRequest(
    max_model_len=32768, max_num_batched_tokens=8192, kv_cache_memory_bytes=40 * GIB
)
LLAMA, GPT_OSS = "meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-20b"
# One of each mixture: full, windows, latents, states, chunks.
MODELS = (LLAMA, GPT_OSS, "deepseek-ai/DeepSeek-V3", "Qwen/Qwen3.5-27B", "google/gemma-4-26B-A4B")
models = st.sampled_from(MODELS)
pools = st.integers(2 * GIB, 80 * GIB)
numbers = st.integers(1, 500)


def answer(name: str, request: EstimateRequest) -> Estimate:
    found = find_model(name, may_ask_the_hub=False)
    return estimate(found.description, found.weights, found.source, request)


def test_ten_requests_that_fill_the_pool_are_nine_for_one_block_is_never_lent() -> None:
    asked = answer(LLAMA, replace(POOL, concurrency=10))

    assert asked.capacity is not None
    assert asked.question is not None
    assert asked.capacity.max_concurrency == 10.0
    assert asked.capacity.fits
    assert asked.fits is False
    assert asked.question.at_once == 9
    assert asked.question.longest == 32768 - 16
    assert asked.question.needed_bytes == 40 * GIB + (2 << 20)
    assert {each.change for each in asked.suggestions} == {
        "--kv-cache-dtype fp8",
        "--max-model-len 32752",
        "--tensor-parallel-size 2",
    }


def test_one_request_at_once_is_what_vllms_own_start_asks() -> None:
    for size in (1, 2, 3, 4, 5):
        request = replace(POOL, kv_cache_memory_bytes=size * GIB)
        assert answer(LLAMA, replace(request, concurrency=1)).fits is answer(LLAMA, request).fits


def test_a_load_saturates_windows_and_counts_what_is_in_flight() -> None:
    # 12 layers of full attention in blocks of 16; 12 of a window of 128 with 2 x 8192 in flight.
    at_once = answer(GPT_OSS, replace(POOL, load=Load(2000, 500))).load_at_once

    assert at_once is not None
    assert at_once.blocks_per_request == 157 + (157 + 1)
    assert at_once.by_memory == (109226 - 1) // 315
    assert at_once.count == at_once.by_memory
    assert at_once.limited_by == "memory"


def test_a_load_runs_no_more_than_are_scheduled() -> None:
    request = replace(POOL, load=Load(200, 50), max_num_seqs=256)
    at_once = answer(GPT_OSS, request).load_at_once

    assert at_once is not None
    assert at_once.count == 256
    assert at_once.limited_by == "max_num_seqs"
    assert at_once.by_memory is not None
    assert at_once.by_memory > 256


def test_more_than_are_scheduled_fit_with_the_flag_that_schedules_them() -> None:
    request = EstimateRequest(max_model_len=1000, gpu=find_gpu("L40S"), concurrency=300)
    asked = answer("HuggingFaceTB/SmolLM2-135M-Instruct", request)

    assert asked.fits is True
    assert asked.settings.max_num_seqs == 256
    assert asked.changes_needed[0].startswith("--max-num-seqs 300:")


def test_what_no_change_holds_alone_a_pair_may() -> None:
    request = replace(POOL, concurrency=350, load=Load(2000, 500), kv_cache_memory_bytes=8 * GIB)
    asked = answer(LLAMA, request)

    assert asked.fits is False
    assert asked.suggestions[0].change.count("--") == 2
    assert min(each.at_once for each in asked.suggestions) >= 350


def test_without_memory_the_bytes_are_told_and_the_verdict_is_not() -> None:
    request = EstimateRequest(max_model_len=32768, concurrency=4, load=Load(2000, 500))
    asked = answer(LLAMA, request)

    assert asked.question is not None
    assert asked.load_at_once is not None
    assert asked.fits is None
    assert asked.question.fits is None
    assert asked.question.needed_bytes == (4 * 157 + 1) * (2 << 20)
    assert asked.load_at_once.count is None


def test_a_load_longer_than_the_longest_request_is_refused() -> None:
    with pytest.raises(EstimateError, match="longer than max_model_len"):
        answer(LLAMA, replace(POOL, load=Load(32768, 1)))


@settings(deadline=None, max_examples=40)
@given(models, pools, numbers)
def test_so_many_fit_at_the_longest_length_and_not_with_one_token_more(
    name: str, pool: int, concurrency: int
) -> None:
    request = replace(
        POOL, kv_cache_memory_bytes=pool, concurrency=concurrency, may_exceed_context=True
    )
    asked = answer(name, request).question
    assert asked is not None
    assert asked.longest is not None
    bound = max(32768, find_model(name).description.context_length or 0)
    if asked.longest:
        assert answer(name, replace(request, max_model_len=asked.longest)).fits
    if asked.longest < bound:
        assert not answer(name, replace(request, max_model_len=asked.longest + 1)).fits


@settings(deadline=None, max_examples=40)
@given(models, pools, pools, st.integers(1, 30_000), st.integers(1, 2_000))
def test_less_memory_or_a_longer_prompt_never_runs_more(
    name: str, one: int, other: int, prompt: int, output: int
) -> None:
    small, large = sorted((one, other))

    def held(pool: int, tokens: int) -> int:
        request = replace(POOL, kv_cache_memory_bytes=pool, load=Load(tokens, output))
        at_once = answer(name, request).load_at_once
        assert at_once is not None
        assert at_once.by_memory is not None
        assert at_once.by_memory >= 0
        return at_once.by_memory

    assert held(small, prompt) <= held(large, prompt)
    assert held(large, prompt + 500) <= held(large, prompt)


@settings(deadline=None, max_examples=40)
@given(models, pools, numbers)
def test_every_suggestion_for_so_many_holds_them(name: str, pool: int, concurrency: int) -> None:
    asked = answer(name, replace(POOL, kv_cache_memory_bytes=pool, concurrency=concurrency))
    if asked.fits is False:
        assert all(each.at_once >= concurrency for each in asked.suggestions)
