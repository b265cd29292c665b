from __future__ import annotations

from dataclasses import replace

import pytest

from mixvllm.errors import EstimateError
from mixvllm.memory.defaults import (
    BatchLimits,
    api_server_limits,
    cpu_server_limits,
    default_length,
    default_utilization,
    settled_limits,
)
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.rules import rules_of
from mixvllm.models.sources.catalogue import look_up

LARGE = BatchLimits(8192, 1024)


@pytest.mark.parametrize(
    ("gpu", "version", "tokens", "seqs"),
    [
        ("H100", "0.32", 8192, 1024),
        ("H200", "0.32", 8192, 1024),
        ("B200", "0.32", 16384, 1024),
        ("B200", "0.27", 8192, 1024),
        ("MI300X", "0.28", 16384, 1024),
        ("RTX-PRO-6000", "0.32", 8192, 1024),
        ("A100", "0.32", 2048, 256),
        ("A100-40G", "0.32", 2048, 256),
        ("A100:100GiB", "0.32", 2048, 256),
        ("L40S", "0.32", 2048, 256),
        ("RTX4090", "0.11", 2048, 256),
        ("GB10", "0.32", 2048, 256),
        ("96GiB", "0.32", 8192, 1024),
        ("24GiB", "0.32", 2048, 256),
    ],
)
def test_the_batch_follows_the_gpu_and_the_release(
    gpu: str, version: str, tokens: int, seqs: int
) -> None:
    assert api_server_limits(find_gpu(gpu), rules_of(version)) == BatchLimits(tokens, seqs)


def test_the_cpu_server_takes_a_batch_for_each_worker() -> None:
    assert cpu_server_limits(2) == BatchLimits(4096, 256)


def test_without_a_gpu_the_batch_is_that_of_an_h100() -> None:
    assert api_server_limits(None, rules_of("0.32")) == LARGE


def test_a_short_length_makes_the_default_batch_smaller() -> None:
    assert settled_limits(LARGE, 512, max_num_seqs=4) == BatchLimits(2048, 4)


def test_an_asked_batch_is_taken_as_it_is_and_bounds_the_default_sequences() -> None:
    assert settled_limits(LARGE, 4096, max_num_batched_tokens=512) == BatchLimits(512, 512)


def test_more_sequences_than_tokens_are_refused_as_vllm_does() -> None:
    with pytest.raises(EstimateError, match="max_num_seqs"):
        settled_limits(LARGE, 4096, max_num_batched_tokens=64, max_num_seqs=128)


def test_without_chunked_prefill_the_batch_holds_the_longest_prompt() -> None:
    assert settled_limits(LARGE, 32768, chunked_prefill=False).max_num_batched_tokens == 32768
    with pytest.raises(EstimateError, match="chunked prefill"):
        settled_limits(LARGE, 32768, max_num_batched_tokens=8192, chunked_prefill=False)


def test_the_default_share_of_the_memory_rose_with_0_20() -> None:
    assert default_utilization(rules_of("0.19.1")) == 0.9
    assert default_utilization(rules_of("0.20.0")) == 0.92


def test_the_default_length_is_the_one_before_rope_scaling() -> None:
    entry = look_up("microsoft/Phi-3-mini-128k-instruct")
    assert entry is not None
    assert default_length(entry.description) == entry.description.default_length


def test_a_model_without_a_length_needs_one_from_the_user() -> None:
    entry = look_up("Qwen/Qwen3-8B")
    assert entry is not None
    bare = replace(entry.description, default_length=None, context_length=None)
    with pytest.raises(EstimateError, match="context length"):
        default_length(bare)
