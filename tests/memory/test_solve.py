from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixvllm.errors import EstimateError
from mixvllm.memory.changes import flags_between
from mixvllm.memory.gpu_table import all_gpus, find_gpu, flag_of
from mixvllm.memory.request import EstimateRequest, Load
from mixvllm.memory.rules import rules_of
from mixvllm.memory.solve import solve
from mixvllm.memory.trial import Checkpoint, does, largest
from mixvllm.models.find import find_model

GIB = 1 << 30
LLAMA, LARGE = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Llama-3.1-70B-Instruct"
MODELS = (LLAMA, "openai/gpt-oss-20b", "Qwen/Qwen3.5-27B", "google/gemma-4-26B-A4B")
ON_L40S = EstimateRequest(gpu=find_gpu("L40S"))
ON_H100 = EstimateRequest(gpu=find_gpu("H100"), max_model_len=32768)


def checkpoint(name: str) -> Checkpoint:
    found = find_model(name, may_ask_the_hub=False)
    return Checkpoint(found.description, found.weights)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(MODELS), st.integers(1, 100), st.integers(4, 100))
def test_the_longest_context_does_and_one_token_more_does_not(
    name: str, concurrency: int, gib: int
) -> None:
    model = checkpoint(name)
    request = EstimateRequest(kv_cache_memory_bytes=gib * GIB, concurrency=concurrency)
    found = solve("max-model-len", model, request).answer

    length = found.max_model_len if found else 0
    assert length is not None
    assert not length or does(model, replace(request, max_model_len=length))
    if length < (model.description.context_length or 0):
        assert not does(model, replace(request, max_model_len=length + 1))


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(MODELS), st.integers(1, 100), st.integers(1000, 30000))
def test_the_most_requests_do_and_one_more_does_not(name: str, gib: int, length: int) -> None:
    model = checkpoint(name)
    request = EstimateRequest(kv_cache_memory_bytes=gib * GIB, max_model_len=length)
    found = solve("concurrency", model, request)

    most = found.answer.at_once if found.answer else 0
    assert most is not None
    assert not most or does(model, replace(request, concurrency=most))
    assert not does(model, replace(request, concurrency=most + 1))


def test_a_given_length_bounds_the_longest_context() -> None:
    request = replace(ON_L40S, max_model_len=4096)
    found = solve("max-model-len", checkpoint(LLAMA), request).answer
    assert found is not None
    assert found.max_model_len == 4096


def test_more_sequences_than_vllm_schedules_come_with_their_flag() -> None:
    request = replace(ON_L40S, max_model_len=1000)
    found = solve("concurrency", checkpoint("HuggingFaceTB/SmolLM2-135M-Instruct"), request)

    assert found.answer is not None
    assert found.answer.flags == (f"--max-num-seqs {found.answer.at_once}",)
    assert all(f"--max-num-seqs {each.at_once}" in each.flags for each in found.options)


def test_the_fewest_gpus_are_the_first_size_that_divides_the_heads_and_does() -> None:
    found = solve("gpus", checkpoint(LARGE), replace(ON_H100, concurrency=8))

    assert [option.value for option in found.options] == ["1", "2", "4", "8", "16"]
    assert found.answer is not None
    assert found.answer.flags == ("--tensor-parallel-size 4",)
    assert [option.fits for option in found.options] == [False, False, True, True, True]


def test_states_get_as_many_sequences_as_there_are_blocks() -> None:
    found = solve("gpus", checkpoint("Qwen/Qwen3.5-27B"), ON_H100).answer
    assert found is not None
    assert any(flag.startswith("--max-num-seqs") for flag in found.flags)


def test_the_smallest_gpu_does_and_every_smaller_one_does_not() -> None:
    request = EstimateRequest(max_model_len=32768, concurrency=2)
    found = solve("gpu", checkpoint(LLAMA), request)

    assert found.answer is not None
    place = found.options.index(found.answer)
    assert not any(option.fits for option in found.options[:place])
    sizes = [option.gpu_bytes or 0 for option in found.options]
    assert sizes == sorted(sizes)
    assert "P100" not in [option.value for option in found.options]


def test_the_first_format_that_does_takes_least_from_the_weights() -> None:
    found = solve("quantization", checkpoint(LARGE), ON_H100)

    assert found.answer is not None
    assert found.answer.value == "modelopt_fp4"
    weights = [option.weights_bytes_per_gpu or 0 for option in found.options]
    assert weights == sorted(weights, reverse=True)
    needs = {option.value: option.needs for option in found.options}
    assert needs["awq"] == "a checkpoint in awq"
    assert needs["fp8"] is None
    assert "bitsandbytes" not in needs


def test_bitsandbytes_is_tried_where_the_release_took_it() -> None:
    request = replace(ON_H100, rules=rules_of("0.19"))
    found = solve("quantization", checkpoint(LARGE), request)
    assert found.answer is not None
    assert found.answer.value == "bitsandbytes"


def test_a_quantized_checkpoint_is_not_quantized_again() -> None:
    request = replace(ON_L40S, max_model_len=32768)
    found = solve("quantization", checkpoint("openai/gpt-oss-120b"), request)

    assert found.answer is None
    assert "mxfp4 already" in (found.reason or "")


def test_no_solution_tells_what_comes_nearest() -> None:
    request = EstimateRequest(max_model_len=32768, concurrency=400)
    found = solve("gpu", checkpoint(LARGE), request)

    assert found.answer is None
    assert "which holds 1" in (found.reason or "")


def test_a_load_asks_for_requests_of_its_own_length() -> None:
    request = replace(ON_L40S, concurrency=70, load=Load(2000, 500))
    full = solve("max-model-len", checkpoint(LLAMA), replace(request, load=None)).answer
    real = solve("max-model-len", checkpoint(LLAMA), request).answer

    assert full is not None
    assert real is not None
    assert (full.max_model_len or 0) < 3000
    assert real.max_model_len == 131072


def test_models_are_not_looked_for_in_one_model() -> None:
    with pytest.raises(EstimateError):
        solve("model", checkpoint(LLAMA), ON_L40S)


def test_the_largest_is_found_at_both_ends() -> None:
    assert largest(lambda n: n <= 7, 1, 100) == 7
    assert largest(lambda n: True, 1, 100) == 100
    assert largest(lambda n: False, 1, 100) == 0
    assert largest(lambda n: True, 5, 4) == 0


@pytest.mark.parametrize("gpu", all_gpus(), ids=flag_of)
def test_the_flag_of_a_gpu_names_it(gpu: object) -> None:
    assert find_gpu(flag_of(gpu)) == gpu  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["24GiB", "A100-40G:39GiB", "H100:79GiB"])
def test_the_flag_of_a_size_keeps_it(text: str) -> None:
    gpu = find_gpu(text)
    assert find_gpu(flag_of(gpu)) == gpu


def test_flags_are_told_with_their_values() -> None:
    changed = replace(ON_L40S, enforce_eager=True, max_num_seqs=8, gpu=find_gpu("A100-40G"))
    assert flags_between(ON_L40S, changed) == (
        *("--gpu A100-40G", "--max-num-seqs 8", "--enforce-eager"),
    )
