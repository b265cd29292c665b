"""The built-in rules against vLLM's own planner, to the byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import (
    FullAttention,
    LatentAttention,
    Layer,
    ModelDescription,
    SlidingWindow,
)
from mixvllm.vllm_internals.installed import installed_engine
from tests.vllm_internals import tiny_hybrids, tiny_models
from tests.vllm_internals.tiny_models import TinyModel

pytestmark = pytest.mark.engine

GIB = 2**30
COMPARED = (
    "block_size",
    "bytes_per_block",
    "num_blocks",
    "blocks_per_request",
    "bytes_per_request",
    "tokens",
    "max_concurrency",
)


@dataclass(frozen=True)
class Case:
    """One question to both: a description with settings, and what vLLM is asked."""

    name: str
    description: ModelDescription
    settings: dict[str, Any]
    source: dict[str, Any]
    available_bytes: int = 4 * GIB

    @property
    def request(self) -> dict[str, Any]:
        settings = dict(self.settings)
        settings["imitate_cuda"] = settings.pop("platform", "cuda") == "cuda"
        settings.pop("draft_layers", None)
        if self.description.architecture == "SpecsByHand":
            settings.pop("kv_cache_dtype", None)
        return {"serving": settings, "available_bytes": self.available_bytes, **self.source}


def built(model: TinyModel, **settings: Any) -> Case:
    shown = ", ".join(f"{key}={value}" for key, value in settings.items())
    return Case(
        f"{model.config['architectures'][0]} {shown}",
        model.description,
        {"max_model_len": 32768, **settings},
        {"config": model.config},
    )


def by_hand(
    name: str, layers: tuple[Layer, ...], stages: list[list[dict[str, Any]]], **settings: Any
) -> Case:
    """A case whose specs are written here, a list for each stage."""
    described = ModelDescription(
        name=name,
        architecture="SpecsByHand",
        model_type="by_hand",
        layers=layers,
        context_length=None,
        dtype="bfloat16",
        attention_heads=64,
        hidden_size=512,
        vocab_size=1024,
    )
    specs = [
        {f"model.layers.{stage}.{index}": spec for index, spec in enumerate(specs)}
        for stage, specs in enumerate(stages)
    ]
    return Case(name, described, {"max_model_len": 32768, **settings}, {"specs": specs})


def full_spec(heads: int, size: int, **fields: Any) -> dict[str, Any]:
    return {
        "spec": "FullAttentionSpec",
        "block_size": 16,
        "num_kv_heads": heads,
        "head_size": size,
        "dtype": "bfloat16",
        **fields,
    }


def window_spec(heads: int, size: int, window: int, **fields: Any) -> dict[str, Any]:
    return {
        **full_spec(heads, size, **fields),
        "spec": "SlidingWindowSpec",
        "sliding_window": window,
    }


def latent_spec(size: int, **fields: Any) -> dict[str, Any]:
    return {
        "spec": "MLAAttentionSpec",
        "block_size": 64,
        "num_kv_heads": 1,
        "head_size": size,
        "dtype": "bfloat16",
        **fields,
    }


FULL = FullAttention(kv_heads=8, key_size=64, value_size=64)
WINDOW = SlidingWindow(kv_heads=8, key_size=64, value_size=64, window=128)
SPARSE = LatentAttention(latent_size=512, rope_size=64, indexer_size=128)
INDEX = latent_spec(132, dtype="uint8", cache_role="indexer")

CASES = [
    built(tiny_models.LLAMA),
    built(tiny_models.LLAMA, tensor_parallel_size=8, kv_cache_dtype="fp8"),
    built(tiny_models.LLAMA, block_size=64, max_model_len=1000),
    built(tiny_models.LLAMA, pipeline_parallel_size=4),
    built(tiny_models.LLAMA, tensor_parallel_size=4, decode_context_parallel_size=2),
    built(tiny_models.LLAMA, platform="cpu"),
    built(tiny_models.GEMMA),
    built(tiny_models.GEMMA, max_num_batched_tokens=2048, async_scheduling=False),
    built(tiny_models.GEMMA, hybrid_manager=False),
    built(tiny_models.GEMMA, pipeline_parallel_size=2),
    built(tiny_models.GEMMA, platform="cpu", max_num_batched_tokens=4096),
    built(tiny_models.DEEPSEEK, tensor_parallel_size=4),
    built(tiny_models.DEEPSEEK, tensor_parallel_size=2, decode_context_parallel_size=2),
    built(tiny_models.QWEN_NEXT),
    built(tiny_models.QWEN_NEXT, tensor_parallel_size=2, kv_cache_dtype="fp8"),
    built(tiny_models.QWEN_NEXT, enable_prefix_caching=False),
    built(tiny_models.QWEN_NEXT, mamba_ssm_cache_dtype="float32", block_size=32),
    built(tiny_models.QWEN_NEXT, pipeline_parallel_size=2),
    built(tiny_models.QWEN_NEXT, platform="cpu", max_num_batched_tokens=4096),
    built(tiny_models.NEMOTRON),
    built(tiny_models.NEMOTRON, tensor_parallel_size=4),
    built(tiny_models.LFM),
    built(tiny_models.DEEPSEEK_V4),
    built(tiny_models.DEEPSEEK_V4, tensor_parallel_size=4, max_num_batched_tokens=2048),
    built(tiny_models.DEEPSEEK_V4, pipeline_parallel_size=2),
    built(tiny_models.DEEPSEEK_V4_PATTERN, max_model_len=100_000),
    built(tiny_models.LLAMA_4, max_model_len=65536),
    built(tiny_models.LLAMA_4, hybrid_manager=False),
    built(tiny_hybrids.JAMBA),
    built(tiny_hybrids.JAMBA, tensor_parallel_size=2, enable_prefix_caching=False),
    built(tiny_hybrids.MAMBA),
    built(tiny_hybrids.FALCON, tensor_parallel_size=2),
    built(tiny_hybrids.FALCON, pipeline_parallel_size=2),
    built(tiny_hybrids.KIMI, tensor_parallel_size=2),
    built(
        tiny_hybrids.WHISPER,
        max_model_len=448,
        max_num_batched_tokens=4096,
        enable_prefix_caching=False,
    ),
    built(tiny_hybrids.GEMMA_3N),
    by_hand(
        "a draft layer like the others",
        (*(WINDOW, FULL) * 3, FULL),
        [[window_spec(8, 64, 128), full_spec(8, 64)] * 3 + [full_spec(8, 64)]],
    ),
    by_hand(
        "a draft layer of another page",
        (*(WINDOW, FULL) * 3, FullAttention(kv_heads=8, key_size=128, value_size=128)),
        [[window_spec(8, 64, 128), full_spec(8, 64)] * 3 + [full_spec(8, 128)]],
    ),
    by_hand(
        "a window whose page does not divide",
        (*(WINDOW, FULL) * 2, SlidingWindow(kv_heads=8, key_size=96, value_size=96, window=64)),
        [[window_spec(8, 64, 128), full_spec(8, 64)] * 2 + [window_spec(8, 96, 64)]],
    ),
    by_hand(
        "uneven pipeline stages",
        (WINDOW, FULL) * 12,
        [
            [window_spec(8, 64, 128), full_spec(8, 64)] * 6 + [window_spec(8, 64, 128)],
            [full_spec(8, 64), window_spec(8, 64, 128)] * 5 + [full_spec(8, 64)],
        ],
        pipeline_parallel_size=2,
        pipeline_partition=(13, 11),
    ),
    by_hand("sparse latent attention", (SPARSE,) * 5, [[latent_spec(576), INDEX] * 5]),
    by_hand(
        "sparse latent attention in packed records",
        (SPARSE,) * 5,
        [[latent_spec(576, dtype="uint8", state_content_bytes=656), INDEX] * 5],
        kv_cache_dtype="fp8",
    ),
    by_hand(
        "nvfp4",
        (FULL,) * 4,
        [[full_spec(8, 64, dtype="uint8", num_head_slots=16, state_content_bytes=36)] * 4],
        kv_cache_dtype="nvfp4",
    ),
    by_hand(
        "latent attention beside windows of another page",
        (LatentAttention(latent_size=512, rope_size=64), WINDOW),
        [[latent_spec(576), window_spec(8, 64, 128, block_size=64)]],
    ),
    by_hand(
        "context parallelism of latent attention",
        (LatentAttention(latent_size=512, rope_size=64),) * 3,
        [[latent_spec(576)] * 3],
        tensor_parallel_size=8,
        decode_context_parallel_size=8,
    ),
]


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """vLLM's answers to all cases, from one process."""
    requests = "".join(json.dumps(case.request) + "\n" for case in CASES)
    run = subprocess.run(
        [sys.executable, "-m", "mixvllm.vllm_internals.planner"],
        input=requests,
        capture_output=True,
        text=True,
        env=dict(os.environ),
        timeout=300,
        check=True,
    )
    lines = run.stdout.splitlines()
    return {case.name: json.loads(line) for case, line in zip(CASES, lines, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rules_plan_what_vllm_plans(case: Case, answers: dict[str, dict[str, Any]]) -> None:
    answer = answers[case.name]
    assert answer.get("error") is None
    engine = installed_engine()
    assert engine is not None
    serving = ServingFacts(rules=rules_of(engine.version), **case.settings)
    plan = asdict(plan_kv_cache(case.description, serving, case.available_bytes))
    assert {name: plan[name] for name in COMPARED} == {name: answer[name] for name in COMPARED}
    assert sorted((group["layers"], group["block_size"]) for group in plan["groups"]) == sorted(
        tuple(group) for group in answer["groups"]
    )
