"""What the real engine prints for small models with random weights is what the rules predict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.sizes import GIB
from mixvllm.vllm_internals.installed import require_engine
from tests.vllm_internals.run_tiny_engines import BATCH, LENGTH, MODELS, POOL_GIB

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Any]]:
    """The four engines, started in one process."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.vllm_internals.run_tiny_engines"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return {line["name"]: line for line in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize("name", MODELS)
def test_the_engine_prints_what_is_predicted(name: str, reports: dict[str, dict[str, Any]]) -> None:
    report = reports[name]
    serving = ServingFacts(
        LENGTH,
        max_num_batched_tokens=BATCH,
        max_num_seqs=16,
        enable_prefix_caching=report["prefix_caching"],
        # A CPU without AMX serves latent attention in blocks of 16, another in 128.
        backend_block_size=report["block_size"] if name == "latent attention" else None,
        platform="cpu",
        rules=rules_of(require_engine().version),
    )
    plan = plan_kv_cache(MODELS[name].description, serving, POOL_GIB * GIB)
    predicted = (plan.block_size, plan.num_blocks, plan.tokens, plan.max_concurrency)
    said = tuple(report[key] for key in ("block_size", "num_blocks", "tokens", "max_concurrency"))
    assert predicted == said
