"""What does not go together: each rule of vLLM's that settings can break, with its numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mixvllm.errors import Severity
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.find import find_model
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.check import Checked, check
from mixvllm.sizing.finding import Case, MachineMemory
from mixvllm.sizing.format_rules import ACTIVATIONS, LEAST_CAPABILITY
from mixvllm.sizing.request import Choices, estimate_request

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
SMALL = "Qwen/Qwen3-0.6B"
GPT_OSS = "openai/gpt-oss-20b"
LATENT = "deepseek-ai/DeepSeek-V2-Lite"
WITH_RAY = {"tensor_parallel_size": 2, "distributed_executor_backend": "ray"}
GIB = 1 << 30


def checked(
    model: str,
    gpu: str | None = None,
    count: int | None = None,
    may_exceed: bool = False,
    **asked: Any,
) -> Checked:
    settings = ServeConfig.from_layers([{"model": {"name": model}, "inference": asked}])
    named = find_gpu(gpu) if gpu else None
    request = replace(estimate_request(settings, Choices()), gpu=named)
    model_found = find_model(model, may_ask_the_hub=False)
    return check(
        Case(settings, model_found, lambda: request, named, count, may_exceed_context=may_exceed)
    )


def found(result: Checked) -> list[tuple[str, Severity]]:
    return [(finding.keys[0], finding.severity) for finding in result.findings]


def test_what_goes_together_has_no_findings() -> None:
    assert checked(SMALL, "H100").findings == ()


def test_a_context_above_the_models_is_refused_with_limit_and_override() -> None:
    (finding,) = checked(LLAMA, max_model_len=200_000).findings

    assert finding.keys == ("inference.max_model_len",)
    assert "200,000" in finding.message
    assert "131,072" in finding.message
    assert finding.advice is not None
    assert "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1" in finding.advice


def test_the_override_makes_it_a_doubt() -> None:
    result = checked(LLAMA, max_model_len=200_000, may_exceed=True)

    assert found(result) == [("inference.max_model_len", "warning")]


@pytest.mark.parametrize(
    ("model", "ranks", "said"),
    [
        (LLAMA, 3, "64 attention heads cannot be divided over 3 GPUs"),
        ("microsoft/Phi-3-medium-4k-instruct", 4, "10 KV heads can neither be divided"),
        ("microsoft/phi-4", 5, "the vocabulary of 100,352"),
    ],
)
def test_what_cannot_be_divided_over_the_gpus_is_refused(model: str, ranks: int, said: str) -> None:
    (finding,) = checked(model, tensor_parallel_size=ranks).findings

    assert finding.keys == ("inference.tensor_parallel_size",)
    assert said in finding.message
    assert finding.advice is not None
    assert f"{model} takes 1, " in finding.advice


def test_more_gpus_than_kv_heads_is_a_note() -> None:
    result = checked(LLAMA, tensor_parallel_size=16)

    assert result.findings == ()
    assert "8 KV heads over 16 GPUs: each is kept 2 times" in result.notes[0]


def test_more_stages_than_layers_are_refused() -> None:
    assert found(checked(SMALL, pipeline_parallel_size=29)) == [
        ("inference.pipeline_parallel_size", "error")
    ]


def test_a_batch_smaller_than_its_sequences_is_refused() -> None:
    assert found(checked(SMALL, max_num_seqs=256, max_num_batched_tokens=128)) == [
        ("inference.max_num_batched_tokens", "error")
    ]


@pytest.mark.parametrize(
    ("model", "method", "expected"),
    [
        (SMALL, "awq", "error"),
        (SMALL, "fp8", None),
        ("TheBloke/Llama-2-13B-chat-AWQ", "gptq", "error"),
        ("TheBloke/Llama-2-13B-chat-AWQ", "awq_marlin", None),
        ("openai/gpt-oss-20b", "mxfp4", None),
        ("openai/gpt-oss-20b", "fp8", "error"),
        ("nvidia/DeepSeek-V3-0324-NVFP4", "awq", "warning"),
    ],
)
def test_a_quantization_must_be_the_checkpoints(
    model: str, method: str, expected: Severity | None
) -> None:
    result = checked(model, quantization=method)

    assert [s for k, s in found(result) if k == "inference.quantization"] == (
        [expected] if expected else []
    )


@pytest.mark.parametrize(
    ("model", "gpu", "asked", "expected"),
    [
        (SMALL, "T4", {"dtype": "bfloat16"}, ["dtype error"]),
        (SMALL, "T4", {"dtype": "float16"}, []),
        (SMALL, "T4", {}, ["dtype warning"]),
        (SMALL, "A100", {"dtype": "float16"}, ["dtype warning"]),
        ("google/gemma-2-9b", "H100", {"dtype": "float16"}, ["dtype error"]),
        (GPT_OSS, "H100", {"dtype": "float16"}, ["dtype warning", "dtype error"]),
        (SMALL, "T4", {"dtype": "float16", "kv_cache_dtype": "fp8"}, ["kv_cache_dtype error"]),
        (SMALL, "A100", {"kv_cache_dtype": "fp8"}, ["kv_cache_dtype warning"]),
        (SMALL, "H100", {"kv_cache_dtype": "fp8"}, []),
        (LATENT, None, {"kv_cache_dtype": "nvfp4"}, ["kv_cache_dtype error"]),
    ],
)
def test_number_formats_must_be_those_of_checkpoint_and_gpu(
    model: str, gpu: str | None, asked: dict[str, Any], expected: list[str]
) -> None:
    result = found(checked(model, gpu, **asked))

    assert [f"{key.removeprefix('inference.')} {how}" for key, how in result] == expected


def test_a_quantized_checkpoint_needs_a_gpu_that_can_compute_with_it() -> None:
    result = checked("openai/gpt-oss-20b", "T4")

    assert "mxfp4 needs a GPU of compute capability 8.0" in result.findings[0].message


def test_weights_larger_than_the_memory_are_refused_with_computed_ways_out() -> None:
    result = checked(LLAMA, "A100-40G", tensor_parallel_size=2, max_model_len=8192)

    (finding,) = result.findings
    assert finding.severity == "error"
    assert "the weights take 65.74 GiB on each GPU" in finding.message
    assert [way.change for way in finding.ways_out] == ["--tensor-parallel-size 4"]
    assert finding.ways_out[0].max_concurrency > 1


def test_a_context_that_does_not_fit_is_refused_with_the_longest_that_does() -> None:
    result = checked("Qwen/Qwen3-8B", "24GiB", max_model_len=40_960)

    (finding,) = result.findings
    assert finding.keys[0] == "inference.max_model_len"
    assert "one request of 40,960 tokens takes 5.62 GiB" in finding.message
    assert result.estimate is not None
    longest = result.estimate.capacity
    assert longest is not None
    assert finding.advice == (
        f"the longest that fits is {longest.max_model_len_that_fits:,} tokens"
    )
    assert len(finding.ways_out) == 3
    shorter = checked("Qwen/Qwen3-8B", "24GiB", max_model_len=longest.max_model_len_that_fits // 2)
    assert "error" not in dict(found(shorter)).values()


def test_more_gpus_than_are_here_are_refused_and_left_to_ray() -> None:
    alone = checked(SMALL, "H100", 1, tensor_parallel_size=2)
    with_ray = check(
        Case(
            ServeConfig.from_layers([{"model": {"name": SMALL}, "inference": WITH_RAY}]),
            find_model(SMALL, may_ask_the_hub=False),
            gpu_count=1,
        )
    )

    assert found(alone) == [("inference.tensor_parallel_size", "error")]
    assert "2 GPUs are asked for, and 1 GPU is here" in alone.findings[0].message
    assert found(with_ray) == [("inference.tensor_parallel_size", "warning")]


def test_a_machine_without_the_memory_for_weights_and_cache_is_refused() -> None:
    settings = ServeConfig.from_layers([{"model": {"name": SMALL}}])
    request = EstimateRequest(max_model_len=4096, kv_cache_memory_bytes=4 * GIB)
    case = Case(settings, find_model(SMALL, may_ask_the_hub=False), lambda: request)

    small = check(replace(case, memory=MachineMemory(4 * GIB, 4 * GIB)))
    busy = check(replace(case, memory=MachineMemory(16 * GIB, 4 * GIB)))
    free = check(replace(case, memory=MachineMemory(16 * GIB, 8 * GIB)))

    assert found(small) == [("inference.cpu_kv_cache_gib", "error")]
    assert found(busy) == [("inference.cpu_kv_cache_gib", "warning")]
    assert free.findings == ()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"pipeline_parallel_size": 2}, []),
        (
            {"pipeline_parallel_size": 2, "enforce_eager": True},
            [("inference.pipeline_parallel_size", "error")],
        ),
    ],
)
def test_pipeline_stages_on_a_cpu_need_the_warm_up(
    asked: dict[str, Any], expected: list[tuple[str, Severity]]
) -> None:
    layer = {"model": {"name": SMALL}, "inference": {"dtype": "float32", **asked}}
    settings = ServeConfig.from_layers([layer])
    request = EstimateRequest(max_model_len=4096, kv_cache_memory_bytes=GIB)
    found_model = find_model(SMALL, may_ask_the_hub=False)
    roomy = MachineMemory(64 * GIB, 64 * GIB)

    assert found(check(Case(settings, found_model, lambda: request, memory=roomy))) == expected


def test_a_config_that_only_its_own_code_reads_needs_trust(tmp_path: Path) -> None:
    config = {
        "architectures": ["InternLM2ForCausalLM"],
        "model_type": "internlm2",
        "auto_map": {"AutoConfig": "configuration_internlm2.InternLM2Config"},
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 256,
        "max_position_embeddings": 512,
        "torch_dtype": "bfloat16",
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    untrusted = checked(str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(config | {"auto_map": {}}))

    assert untrusted.findings[0].keys[0] == "model.trust_remote_code"
    assert checked(str(tmp_path)).findings == ()


def activations(method: Any) -> Any:
    """Some methods declare it of their instances, and do not look at them."""
    own = vars(method).get("get_supported_act_dtypes")
    return own(None) if callable(own) else method.get_supported_act_dtypes()


@pytest.mark.engine
@pytest.mark.filterwarnings("ignore")
def test_the_tables_are_those_of_the_installed_vllm() -> None:
    from vllm.model_executor.layers.quantization import get_quantization_config

    own = {
        name: get_quantization_config({"mxfp4": "gpt_oss_mxfp4"}.get(name, name))
        for name in {*LEAST_CAPABILITY, *ACTIVATIONS}
    }
    least = {name: own[name].get_min_capability() for name in LEAST_CAPABILITY}
    formats = {
        name: {str(dtype).removeprefix("torch.") for dtype in activations(own[name])}
        for name in ACTIVATIONS
    }

    assert least == {name: major * 10 + minor for name, (major, minor) in LEAST_CAPABILITY.items()}
    assert {
        name: found & {"float16", "bfloat16", "float32"} for name, found in formats.items()
    } == {name: set(allowed) for name, allowed in ACTIVATIONS.items()}


def test_what_is_not_modelled_leaves_the_memory_unjudged_and_the_rest_judged() -> None:
    settings = ServeConfig.from_layers(
        [
            {
                "model": {"name": LLAMA},
                "inference": {"tensor_parallel_size": 3},
                "vllm": {"cpu_offload_gb": 8},
            }
        ]
    )
    case = Case(
        settings,
        find_model(LLAMA, may_ask_the_hub=False),
        lambda: estimate_request(settings, Choices(gpu="H100")),
    )
    right = replace(case, settings=ServeConfig.from_layers([{"model": {"name": LLAMA}}]))

    assert found(check(case)) == [("inference.tensor_parallel_size", "error")]
    assert check(right).notes == (
        "whether it fits is not judged: What cpu_offload_gb does to the memory is not modelled.",
    )
