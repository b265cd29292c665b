"""Published full-size configs: our rules against vLLM's own planner, to the byte.

`nox -s oracle` compares all of them under every setting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.oracle import Run, asked, config_files, run_of, verdict, weights_verdict

pytestmark = pytest.mark.engine

CONFIGS = Path(__file__).parents[3] / "shared" / "data" / "model_configs"
# Every kind of cache that the CPU build can make, and what ranks do to each.
SAMPLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("meta-llama__Llama-3.1-8B-Instruct", {}),
    ("meta-llama__Llama-3.1-70B-Instruct", {"tensor_parallel_size": 16}),
    ("Qwen__Qwen3-30B-A3B", {"tensor_parallel_size": 8, "max_model_len": 131072}),
    ("nvidia__Llama-3.1-70B-Instruct-FP8", {}),
    ("openai__gpt-oss-20b", {"max_num_batched_tokens": 2048}),
    ("google__gemma-3-27b-it", {"tensor_parallel_size": 2}),
    ("google__gemma-4-26B-A4B", {"tensor_parallel_size": 8}),
    ("RedHatAI__Llama-4-Scout-17B-16E-Instruct-FP8-dynamic", {"hybrid_manager": False}),
    ("deepseek-ai__DeepSeek-V3", {"tensor_parallel_size": 8}),
    ("deepseek-ai__DeepSeek-V3.2", {"tensor_parallel_size": 4, "kv_cache_dtype": "fp8"}),
    ("deepseek-ai__DeepSeek-V4-Flash", {}),
    ("nvidia__MiniMax-M3-NVFP4", {"tensor_parallel_size": 8}),
    ("Qwen__Qwen3-Next-80B-A3B-Instruct", {"enable_prefix_caching": False}),
    ("nvidia__NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", {"tensor_parallel_size": 4}),
    ("ai21labs__Jamba-v0.1", {"tensor_parallel_size": 2}),
    ("tiiuae__falcon-180B-chat", {"tensor_parallel_size": 4, "kv_cache_dtype": "fp8"}),
    ("bigcode__gpt_bigcode-santacoder", {"tensor_parallel_size": 4}),
    ("openbmb__MiniCPM-V-4_6-AWQ", {}),
)


@pytest.fixture(scope="module")
def compared() -> list[tuple[Run, dict[str, Any]]]:
    """The sample with vLLM's answers, from one process."""
    if not CONFIGS.is_dir():
        pytest.skip(f"the published configs are not at {CONFIGS}")
    files = {path.stem: path for path in config_files(CONFIGS)}
    runs = [run_of(files[name], settings) for name, settings in SAMPLE]
    return list(zip(runs, asked(runs), strict=True))


def test_full_size_models_are_planned_as_vllm_plans_them(
    compared: list[tuple[Run, dict[str, Any]]],
) -> None:
    verdicts = {run.name: verdict(run, answer) for run, answer in compared}
    assert verdicts == {name: ("equal", "") for name, _ in SAMPLE}


def test_their_weights_on_a_rank_are_within_half_a_percent(
    compared: list[tuple[Run, dict[str, Any]]],
) -> None:
    words = [weights_verdict(run, answer)[0] for run, answer in compared]
    assert words.count("weights within 0.5 %") >= len(SAMPLE) - 3
    assert not {"WEIGHTS OFF", "weights off, known"} & set(words)
