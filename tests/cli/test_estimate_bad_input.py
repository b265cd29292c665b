"""What is broken, lying or absurd is said in words: no traceback, no zero, no guess."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixvllm.errors import EstimateError, ModelError
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.find import find_model
from tests.cli.command import Command
from tests.models.files import safetensors

GPT_OSS = "openai/gpt-oss-20b"
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 512,
    "vocab_size": 1000,
    "max_position_embeddings": 2048,
    "torch_dtype": "bfloat16",
}
WEIGHTS = safetensors({"model.embed_tokens.weight": ("BF16", [1000, 256])})
(HEADER_BYTES,) = struct.unpack("<Q", WEIGHTS[:8])


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def with_length(length: int, content: bytes) -> bytes:
    return struct.pack("<Q", length) + content


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 in all"),
        (WEIGHTS[:7], "7 in all"),
        (WEIGHTS[: HEADER_BYTES // 2], f"{HEADER_BYTES} bytes long"),
        (WEIGHTS[:-1], "does not fit its place"),
        (with_length(10**12, WEIGHTS[8:]), "1000000000000 bytes long"),
        (with_length((1 << 64) - 1, WEIGHTS[8:]), "18446744073709551615 bytes long"),
        (with_length(5, b"hello"), "not JSON"),
        (with_length(100_000, b"[" * 100_000), "not JSON"),
        (with_length(2, b"[]"), "not an object"),
        (WEIGHTS.replace(b"1000", b"9000"), "does not fit its place"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS"),
    ],
)
def test_weight_files_that_lie_are_named(
    mixvllm: Command, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    (tmp_path / "model.safetensors").write_bytes(content)

    ran = mixvllm("estimate-kv", str(tmp_path), "--gpu", "24GiB")

    assert (ran.code, ran.out) == (1, "")
    assert "model.safetensors is" in ran.err
    assert said in ran.err


@pytest.mark.parametrize("total", [1, 1 << 45])
def test_an_index_that_lies_is_not_believed(mixvllm: Command, tmp_path: Path, total: int) -> None:
    index = {"metadata": {"total_size": total}, "weight_map": {"a": "gone.safetensors"}}
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))

    ran = mixvllm("estimate-kv", str(tmp_path), "--gpu", "24GiB")

    assert (ran.code, ran.out) == (1, "")
    assert f"says {total} bytes" in ran.err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_attention_heads": 0}, "`num_attention_heads` is 0"),
        ({"num_hidden_layers": -3}, "`num_hidden_layers` is -3"),
        ({"num_hidden_layers": 1_000_000}, "`num_hidden_layers` is 1000000"),
        ({"num_hidden_layers": "12"}, "`num_hidden_layers` is '12'"),
        ({"hidden_size": 1e300}, "`hidden_size` is 1000000000"),
        ({"hidden_size": float("nan")}, "`hidden_size` is nan"),
        ({"vocab_size": None}, "`vocab_size` is missing"),
        ({"max_position_embeddings": "2048"}, "`max_position_embeddings` is '2048'"),
        ({"num_key_value_heads": 3}, "does not divide"),
        ({"torch_dtype": "bfloat61"}, "close to it is bfloat16"),
        ({"architectures": ["LlamaForCausalLN"]}, "LlamaForCausalLM"),
        ({"architectures": None, "model_type": "llamma"}, "`architectures` is missing"),
        ({"layer_types": ["wavelet"] * 2}, "'wavelet'"),
        ({"quantization_config": []}, "`quantization_config` is []"),
        ({"text_config": {"text_config": {"text_config": {"text_config": {"a": 1}}}}}, "nested"),
    ],
)
def test_absurd_configs_are_refused_by_the_key(
    mixvllm: Command, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**LLAMA, **changes}))

    ran = mixvllm("estimate-kv", str(file), "--gpu", "24GiB")
    under_json = mixvllm("estimate-kv", str(file), "--gpu", "24GiB", "--json")

    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert (under_json.code, list(under_json.json)) == (1, ["error"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--dtype bfloat61", "did you mean bfloat16?"),
        ("--kv-cache-dtype fp88", "did you mean fp8?"),
        ("--quantization awqq", "did you mean awq?"),
        ("--gpu RTX4091", "Nearest are RTX4090"),
        ("--gpu H100:", "'' in 'H100:' is no size"),
        ("--gpu 0", "no size of a memory"),
        ("--gpu 99999GiB", "no size of a memory"),
        ("--gpu=-5", "is not known"),
        ("--kv-cache-memory 24XB", "'24XB' is no size"),
        ("--kv-cache-memory 5000", "'5000' is no size"),
        ("--max-model-len 0", "at least 1"),
        ("--max-model-len many", "32k (32,000)"),
    ],
)
def test_a_slip_in_an_option_names_the_nearest_or_the_form(
    mixvllm: Command, arguments: str, said: str
) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, *arguments.split())

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 << 30),
        ("24g", 24 << 30),
        ("24 GiB", 24 << 30),
        ("80", 80 << 30),
        ("24.5", 49 << 29),
        ("A100:79.25GiB", 317 << 28),
    ],
)
def test_sizes_are_read_as_people_write_them(mixvllm: Command, written: str, size: int) -> None:
    assert mixvllm("estimate-kv", "demo", "--gpu", written, "--json").json["gpu"][
        "total_bytes"
    ] == (size)
    if ":" not in written:
        cache = mixvllm("estimate-kv", "demo", "--kv-cache-memory", written, "--json").json
        assert cache["budget"]["kv_cache_bytes"] == size


def test_a_length_above_the_models_names_the_limit_and_the_override(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, "--max-model-len", "9" * 20)

    assert (ran.code, ran.out) == (1, "")
    assert "131072" in ran.err
    assert "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1" in ran.err


SLIPS: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, -1, 1, 3, 64, 2048, 1 << 40, 0.5, float("inf"), "8", "", [], {}, [4, 4], True]
)
KEYS = st.sampled_from(
    [*LLAMA, "head_dim", "sliding_window", "layer_types", "rope_scaling", "num_experts"]
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(
    changes=st.dictionaries(KEYS, SLIPS, max_size=3),
    cut=st.integers(0, len(WEIGHTS)),
    ranks=st.integers(1, 16),
    length=st.integers(1, 1 << 40) | st.just("auto"),
)
def test_whatever_stands_in_the_files_it_is_estimated_or_refused(
    tmp_path: Path, changes: dict[str, Any], cut: int, ranks: int, length: Any
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**LLAMA, **changes}))
    (tmp_path / "model.safetensors").write_bytes(WEIGHTS[:cut] if cut % 3 else WEIGHTS)
    request = EstimateRequest(
        gpu=find_gpu("H100"),
        tensor_parallel_size=ranks,
        max_model_len=length,
        may_exceed_context=True,
    )

    try:
        found = find_model(str(tmp_path), may_ask_the_hub=False)
        answer = estimate(found.description, found.weights, found.source, request)
    except (ModelError, EstimateError):
        return
    assert answer.kv_cache.bytes_per_token > 0
    assert answer.kv_cache.bytes_per_request > 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--max-model-len 99999999", "(99,999,999) is above the 40,960 tokens"),
        ("--max-model-len 99999999", "More: mixvllm explain context-too-long"),
        ("--gpus 5", "Numbers that divide them: 1, 2, 4, 8, 16, 32."),
        ("--gpus 5", "More: mixvllm explain tensor-parallel-size"),
        ("--block-size 7", "Write a multiple of 16, or leave it out."),
    ],
)
def test_what_cannot_be_planned_is_told_with_what_can(
    mixvllm: Command, asked: str, said: str
) -> None:
    ran = mixvllm("estimate-kv", "Qwen/Qwen3-8B", *asked.split())

    assert ran.code == 1
    assert said in ran.err
