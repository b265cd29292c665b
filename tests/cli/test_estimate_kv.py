"""`mixvllm estimate-kv`: vLLM's own numbers, from the command line, without the network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Command

GIB = 1 << 30
POOL = ("--kv-cache-memory", "40GiB")
BATCH = ("--max-num-batched-tokens", "8192")

# What vLLM's own planner answered for a pool of 40 GiB: model, TP, length, more flags, then block
# size, blocks, bytes of one request on a GPU, tokens, concurrency.
ORACLE = [
    ("meta-llama/Llama-3.1-8B-Instruct", 1, 32768, "", 16, 20480, 4294967296, 327680, "10.00"),
    (
        "meta-llama/Llama-3.1-8B-Instruct",
        *(1, 32768, "--kv-cache-dtype fp8", 16, 40960, 2147483648, 655360, "20.00"),
    ),
    ("meta-llama/Llama-3.1-70B-Instruct", 16, 8192, "", 16, 65536, 335544320, 1048576, "128.00"),
    ("nvidia/Llama-3.1-70B-Instruct-FP8", 4, 32768, "", 16, 65536, 1342177280, 1048576, "32.00"),
    ("Qwen/Qwen2.5-7B", 4, 32768, "", 16, 187245, 469762048, 2995920, "91.43"),
    ("mistralai/Mixtral-8x7B-v0.1", 1, 32768, "", 16, 20480, 4294967296, 327680, "10.00"),
    ("meta-llama/Llama-2-13b-chat-hf", 1, 4096, "", 16, 3276, 3355443200, 52416, "12.80"),
    ("openai/gpt-oss-20b", 1, 32768, "", 16, 109226, 1211498496, 1161673, "35.45"),
    (
        "openai/gpt-oss-20b",
        *(1, 32768, "--max-num-batched-tokens 2048", 16, 109226, 909508608, 1547391, "47.22"),
    ),
    ("openai/gpt-oss-120b", 8, 131072, "", 16, 582542, 680140800, 8276958, "63.15"),
    ("google/gemma-4-26B-A4B", 1, 32768, "", 16, 65536, 4239523840, 331965, "10.13"),
    ("deepseek-ai/DeepSeek-V3", 8, 32768, "", 64, 9549, 2302672896, 611136, "18.65"),
    ("Qwen/Qwen3.5-27B", 1, 32768, "", 784, 835, 2466250752, 570026, "17.40"),
    (
        "Qwen/Qwen3.5-27B",
        *(1, 32768, "-- --no-enable-prefix-caching", 784, 835, 2312110080, 608028, "18.56"),
    ),
]
KEYS = {
    "": "model settings kv_cache weights gpu budget kv_cache_tokens max_concurrency num_blocks "
    "block_size vllm_version fits max_model_len_that_fits suggestions groups explanation "
    "measured uncertainty changes_needed concurrency load growth exact",
    "model": "name architecture source parameters context_length layers",
    "settings": "max_model_len dtype kv_cache_dtype quantization tensor_parallel_size "
    "pipeline_parallel_size gpu_memory_utilization max_num_seqs max_num_batched_tokens "
    "block_size enforce_eager",
    "kv_cache": "bytes_per_token bytes_per_token_per_gpu bytes_per_request "
    "bytes_per_request_per_gpu",
    "weights": "bytes bytes_per_gpu source",
    "gpu": "name total_bytes count",
    "budget": "requested_bytes weights_bytes activation_bytes cuda_graph_bytes other_bytes "
    "kv_cache_bytes",
    "suggestions": "change kv_cache_tokens max_concurrency",
    "groups": "kind layers block_size page_bytes blocks_per_request padding_layers",
    "explanation": "term formula bytes",
    "uncertainty": "kv_cache_tokens_low kv_cache_tokens_high",
}


@pytest.mark.parametrize(
    ("model", "tp", "length", "flags", "block", "blocks", "request_bytes", "tokens", "times"),
    ORACLE,
)
def test_the_numbers_are_those_of_vllms_planner(
    mixvllm: Command,
    model: str,
    tp: int,
    length: int,
    flags: str,
    block: int,
    blocks: int,
    request_bytes: int,
    tokens: int,
    times: str,
) -> None:
    batch = () if "batched" in flags else BATCH
    answer = mixvllm(
        *("estimate-kv", model, "--gpus", str(tp), "--max-model-len", str(length), *POOL, *batch),
        *("--json", *flags.split()),
    ).json

    assert answer["kv_cache_tokens"] == tokens
    assert f"{answer['max_concurrency']:.2f}" == times
    assert answer["num_blocks"] == blocks
    assert answer["block_size"] == block
    assert answer["kv_cache"]["bytes_per_request_per_gpu"] == request_bytes
    assert answer["fits"] is True


@pytest.mark.parametrize("memory", [(), POOL, ("--gpu", "H100")])
def test_the_json_has_the_keys_of_the_contract(mixvllm: Command, memory: tuple[str, ...]) -> None:
    answer = mixvllm("estimate-kv", "google/gemma-4-26B-A4B", *memory, "--json").json

    for name, keys in KEYS.items():
        part = answer[name] if name else answer
        for each in part if isinstance(part, list) else [part]:
            assert each is None or set(each) == set(keys.split()), name


@pytest.mark.parametrize(
    "model",
    [
        "microsoft/Phi-3-mini-4k-instruct",
        "TheBloke/Llama-2-13B-chat-AWQ",
        "codellama/CodeLlama-13b-hf",
        "meta-llama/Llama-2-13b-chat-hf",
        "demo",
    ],
)
def test_the_models_of_the_documents_need_no_network(
    mixvllm: Command, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    ran = mixvllm("estimate-kv", "--model", model, "--max-model-len", "4096", "--json")

    assert ran.code == 0
    assert ran.json["model"]["source"] == "catalogue"
    assert ran.json["weights"]["bytes"] > 0


def test_without_memory_the_exact_half_is_told_and_the_rest_is_null(mixvllm: Command) -> None:
    answer = mixvllm("estimate-kv", "microsoft/Phi-3-mini-4k-instruct", "--json").json

    assert answer["kv_cache"]["bytes_per_token"] == 32 * 2 * 32 * 96 * 2
    assert answer["settings"]["max_model_len"] == 4096
    assert answer["model"]["layers"][0]["count"] == 32
    for unknown in ("gpu", "budget", "kv_cache_tokens", "max_concurrency", "num_blocks", "fits"):
        assert answer[unknown] is None
    assert answer["suggestions"] == []


def test_replicated_heads_count_on_every_gpu(mixvllm: Command) -> None:
    name = "meta-llama/Llama-3.1-70B-Instruct"
    cache = mixvllm("estimate-kv", name, "--gpus", "16", "--json").json["kv_cache"]

    assert cache["bytes_per_token_per_gpu"] == 80 * 2 * 128 * 2
    assert cache["bytes_per_token"] == 16 * cache["bytes_per_token_per_gpu"]
    assert cache["bytes_per_request"] == 16 * cache["bytes_per_request_per_gpu"]


def test_a_full_window_does_not_grow_and_one_that_is_not_full_does(mixvllm: Command) -> None:
    def per_token(length: str) -> int:
        flags = ("--max-model-len", length, "--max-num-batched-tokens", "2048", "--json")
        size: int = mixvllm("estimate-kv", "openai/gpt-oss-20b", *flags).json["kv_cache"][
            "bytes_per_token"
        ]
        return size

    assert per_token("32768") == 12 * 2 * 8 * 64 * 2
    assert per_token("1024") == 24 * 2 * 8 * 64 * 2


def test_what_does_not_fit_ends_with_3_and_says_what_would(mixvllm: Command) -> None:
    flags = ("meta-llama/Llama-3.1-8B-Instruct", "--kv-cache-memory", "1GiB")
    ran = mixvllm("estimate-kv", *flags)

    assert ran.code == 3
    assert "does not fit" in ran.out.splitlines()[0]
    assert "--max-model-len 8176 makes it fit" in ran.out
    answer = mixvllm("estimate-kv", *flags, "--json")
    assert answer.code == 3
    assert (answer.json["fits"], answer.json["max_model_len_that_fits"]) == (False, 8176)


def test_auto_takes_the_longest_context_that_fits(mixvllm: Command) -> None:
    answer = mixvllm(
        *("estimate-kv", "meta-llama/Llama-3.1-8B-Instruct", "--max-model-len", "auto"),
        *("--kv-cache-memory", "1GiB", "--json"),
    )

    assert answer.code == 0
    assert answer.json["settings"]["max_model_len"] == 8176
    assert answer.json["fits"] is True


def test_a_gpu_gives_a_budget_that_adds_up_and_bounds(mixvllm: Command) -> None:
    answer = mixvllm("estimate-kv", "openai/gpt-oss-20b", "--gpu", "H100", "--json").json

    budget = answer["budget"]
    parts = [v for name, v in budget.items() if name not in ("requested_bytes", "kv_cache_bytes")]
    assert budget["requested_bytes"] - sum(parts) == budget["kv_cache_bytes"]
    assert answer["gpu"]["name"] == "H100"
    between = answer["uncertainty"]
    assert between["kv_cache_tokens_low"] < answer["kv_cache_tokens"]
    assert answer["kv_cache_tokens"] < between["kv_cache_tokens_high"]


def test_weights_too_large_for_a_gpu_end_with_3_and_name_the_gpus_it_takes(
    mixvllm: Command,
) -> None:
    ran = mixvllm("estimate-kv", "meta-llama/Llama-3.1-70B-Instruct", "--gpu", "H100", "--json")

    assert ran.code == 3
    changes = [each["change"] for each in ran.json["suggestions"]]
    assert "--tensor-parallel-size 4" in changes
    assert "--tensor-parallel-size 2" not in changes


def test_a_given_cache_must_still_be_on_the_gpu(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", "openai/gpt-oss-20b", "--gpu", "24GiB", *POOL)

    assert ran.code == 3
    assert "lacks" in ran.out


def test_suggestions_hold_more_and_the_best_comes_first(mixvllm: Command) -> None:
    answer = mixvllm("estimate-kv", "openai/gpt-oss-20b", *POOL, "--json").json

    gains = [each["max_concurrency"] for each in answer["suggestions"]]
    assert gains == sorted(gains, reverse=True)
    assert min(gains) > answer["max_concurrency"]
    assert "--max-num-batched-tokens 2048" in [each["change"] for each in answer["suggestions"]]


def test_a_file_is_judged_as_serve_would_read_it(mixvllm: Command, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "model: {name: openai/gpt-oss-20b}\ninference: {max_model_len: 8192}\n"
        "vllm: {kv_cache_memory_bytes: 42949672960, block_size: 32}\n"
    )
    answer = mixvllm("estimate-kv", "--config", str(file), "--json").json

    assert answer["settings"]["max_model_len"] == 8192
    assert (answer["block_size"], answer["budget"]["kv_cache_bytes"]) == (32, 40 * GIB)


def test_a_config_file_of_ones_own_is_a_model(mixvllm: Command, tmp_path: Path) -> None:
    config = {
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
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    answer = mixvllm("estimate-kv", str(file), "--json").json

    assert answer["model"]["source"] == "config file"
    assert answer["kv_cache"]["bytes_per_token"] == 2 * 2 * 2 * 64 * 2


def test_the_release_is_named_and_its_meaning_of_tokens_taken(mixvllm: Command) -> None:
    flags = ("estimate-kv", "openai/gpt-oss-20b", "--max-model-len", "32768", *POOL, "--json")
    new, old = (mixvllm(*flags, "--vllm-version", v).json for v in ("0.20.2", "0.20.1"))

    assert (new["vllm_version"], old["vllm_version"]) == ("0.20.2", "0.20.1")
    assert old["kv_cache_tokens"] == old["num_blocks"] // 2 * 16 != new["kv_cache_tokens"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("microsoft/Phi-3-mini-4k-instrukt", 1, "microsoft/Phi-3-mini-4k-instruct"),
        ("openai/gpt-oss-20b --kv-cache-memory lots", 2, "'lots' is no size"),
        ("openai/gpt-oss-20b --kv-cache-memory 0", 2, "no size of a memory"),
        ("openai/gpt-oss-20b --vllm-version new", 2, "'new' is not a version of vLLM"),
        ("openai/gpt-oss-20b --vllm-version 0.9", 2, "0.10 to 0.33"),
        ("openai/gpt-oss-20b --gpu H1000", 2, "H100"),
        ("openai/gpt-oss-20b --block-size 17", 1, "block size of 17"),
        ("openai/gpt-oss-20b --kv-cache-dtype fp9", 2, "fp8"),
        ("openai/gpt-oss-20b --gpus 7", 1, "64 attention heads"),
        ("openai/gpt-oss-20b --max-model-len 200000", 1, "VLLM_ALLOW_LONG_MAX_MODEL_LEN"),
        ("openai/gpt-oss-20b -- --speculative-config {}", 1, "speculative_config"),
        ("", 1, "mixvllm estimate-kv MODEL"),
    ],
)
def test_what_is_wrong_is_said_and_never_a_number(
    mixvllm: Command, arguments: str, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    ran = mixvllm("estimate-kv", *arguments.split())

    assert ran.code == code
    assert ran.out == ""
    assert said in ran.err


def test_a_failure_under_json_is_json(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", "demo", "--max-model-len", "9999999", "--json")

    assert ran.code == 1
    assert "8,192" in ran.json["error"]["message"]


def test_vllms_own_variable_allows_a_longer_context(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "1")

    ran = mixvllm("estimate-kv", "openai/gpt-oss-20b", "--max-model-len", "200000", "--json")

    assert ran.json["settings"]["max_model_len"] == 200000


def test_the_catalogue_is_listed(mixvllm: Command) -> None:
    listed = mixvllm("estimate-kv", "--list", "--json").json["models"]

    assert len(listed) >= 100
    assert listed[0].keys() == {
        "name",
        "architecture",
        "parameters",
        "context_length",
        "quantization",
    }
    assert "openai/gpt-oss-20b" in mixvllm("estimate-kv", "--list").out


def test_what_ifs_are_said_on_stderr_under_json(mixvllm: Command) -> None:
    ran = mixvllm(
        "estimate-kv", "meta-llama/Llama-3.1-8B-Instruct", "--quantization", "awq", "--json"
    )

    assert "What if quantized with awq" in ran.err
    assert 5 * GIB < ran.json["weights"]["bytes"] < 6 * GIB


def test_what_a_request_needs_is_the_same_number_in_the_sentence_and_in_the_table(
    mixvllm: Command,
) -> None:
    sentence, *facts = mixvllm("estimate-kv", "Qwen/Qwen3-8B", "--gpu", "RTX4090").out.splitlines()

    assert "need 5.62 GiB of KV cache" in sentence
    assert "one request        5.62 GiB" in [fact.rstrip() for fact in facts]


@pytest.mark.parametrize("pool", ["5.625", "6040000000B"])
def test_where_no_more_than_the_block_that_is_never_lent_is_lacking_that_is_said(
    mixvllm: Command, pool: str
) -> None:
    ran = mixvllm("estimate-kv", "Qwen/Qwen3-8B", "--gpu", "RTX4090", "--kv-cache-memory", pool)

    assert "tokens need 2." in ran.out
    assert "MiB more of KV cache, 5.6" in ran.out
