from __future__ import annotations

import math
import statistics
from dataclasses import replace

import pytest

from benchmarks.calibrate import fit, observations
from mixvllm.errors import EstimateError
from mixvllm.memory.budget import Budget, memory_budget, requested_bytes
from mixvllm.memory.gpu_table import find_gpu
from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.overhead_constants import CONSTANTS_GIB
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts, concurrent_batches
from mixvllm.memory.weights import RankWeights, rank_weights
from mixvllm.models.sources.catalogue import look_up
from mixvllm.sizes import GIB
from tests.memory.logs import ROWS, LogRow

MEASURED = [row for row in ROWS if row.is_calibrated]
FROM_SETTINGS = [
    row
    for row in MEASURED
    if row.is_modelled and row.weights is not None and row.get("kv_cache_tokens")
]


def budget_of(row: LogRow, *, weights_gib: float | None = None) -> Budget:
    """The budget of a start-up, with our weights or with the log's."""
    gpu = row.gpu
    assert gpu is not None
    if weights_gib is not None:
        weights = RankWeights(int(weights_gib * GIB), 0, {}, "total divided")
    else:
        entry = row.weights
        assert entry is not None
        assert entry.weights is not None
        weights = rank_weights(entry.weights, entry.description, row.serving)
    return memory_budget(
        row.description,
        weights,
        row.serving,
        gpu,
        row.utilization,
        text_only=row.get("language_model_only", False),
    )


def llama(serving: ServingFacts, *, gpu: str = "H100", **settings: int) -> Budget:
    entry = look_up("meta-llama/Llama-3.1-8B-Instruct")
    assert entry is not None
    assert entry.weights is not None
    weights = rank_weights(entry.weights, entry.description, serving)
    return memory_budget(
        entry.description,
        weights,
        serving,
        find_gpu(gpu),
        0.92,
        kv_cache_memory_bytes=settings.get("kv_cache_memory_bytes"),
    )


def test_from_settings_alone_the_tokens_of_real_servers_are_predicted() -> None:
    errors = []
    for row in FROM_SETTINGS:
        available = budget_of(row).kv_cache.best
        tokens = plan_kv_cache(row.description, row.serving, available).tokens
        errors.append(abs(tokens / row.get("kv_cache_tokens") - 1))
    errors.sort()
    assert len(errors) == 49
    assert statistics.median(errors) <= 0.05
    assert errors[math.ceil(0.9 * len(errors)) - 1] <= 0.15


def test_nine_of_ten_real_servers_lie_between_the_bounds() -> None:
    inside = 0
    for row in MEASURED:
        band = budget_of(row, weights_gib=row.get("weights_gib")).kv_cache
        inside += band.low <= row.get("available_kv_gib") * GIB <= band.high
    assert inside >= 0.9 * len(MEASURED)


def test_the_constants_are_those_that_the_calibration_gives() -> None:
    fitted = fit(observations())
    assert {name: round(value, 2) for name, value in fitted.items()} == CONSTANTS_GIB


def test_the_parts_and_the_cache_are_the_share_of_the_gpu() -> None:
    budget = llama(ServingFacts(8192))
    parts = budget.activation.best + budget.cuda_graph.best + budget.other.best
    assert budget.requested_bytes == requested_bytes(find_gpu("H100").total_bytes, 0.92)
    assert budget.requested_bytes == budget.weights_bytes + parts + budget.kv_cache.best
    assert budget.kv_cache.low < budget.kv_cache.best < budget.kv_cache.high


def test_graphs_are_charged_since_0_20_and_never_when_eager() -> None:
    assert llama(ServingFacts(8192)).cuda_graph.best > 0
    assert llama(ServingFacts(8192, full_cuda_graphs=False)).cuda_graph.best == 0
    assert llama(ServingFacts(8192, rules=rules_of("0.19"))).cuda_graph.best == 0


def test_fewer_sequences_and_a_smaller_batch_leave_more_for_the_cache() -> None:
    usual = llama(ServingFacts(8192))
    few = llama(ServingFacts(8192, max_num_seqs=16, max_num_batched_tokens=2048))
    assert few.activation.best < usual.activation.best / 4
    assert few.kv_cache.best > usual.kv_cache.best


def test_a_pooling_server_has_no_sampler_and_one_batch_in_flight() -> None:
    pooling = ServingFacts(8192, pooling=True)
    assert llama(pooling).activation.best < llama(ServingFacts(8192)).activation.best
    assert concurrent_batches(pooling) == 1


def test_a_cache_given_in_bytes_replaces_the_share_of_the_gpu() -> None:
    budget = llama(ServingFacts(8192), kv_cache_memory_bytes=4 * GIB)
    assert budget.requested_bytes is None
    assert budget.kv_cache.low == budget.kv_cache.best == budget.kv_cache.high == 4 * GIB


def test_every_gpu_and_number_of_ranks_has_a_budget_in_every_release() -> None:
    for gpu in ("H100", "A100", "L40S", "MI300X", "GB10", "B580", "24GiB"):
        for ranks in (1, 2, 4, 8):
            for version in ("0.10", "0.17", "0.20", "0.33"):
                serving = ServingFacts(8192, tensor_parallel_size=ranks, rules=rules_of(version))
                assert llama(serving, gpu=gpu).other.best > 0


def test_a_model_too_large_leaves_less_than_nothing() -> None:
    serving = ServingFacts(8192)
    assert llama(serving, gpu="RTX3060").kv_cache.best < 0


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, math.nan])
def test_a_share_that_cannot_be_is_refused(share: float) -> None:
    with pytest.raises(EstimateError, match="gpu_memory_utilization"):
        requested_bytes(80 * GIB, share)


def test_a_cache_of_no_bytes_is_refused() -> None:
    with pytest.raises(EstimateError, match="KV cache"):
        llama(ServingFacts(8192), kv_cache_memory_bytes=0)


def test_memory_shared_with_the_cpu_costs_more() -> None:
    spark = find_gpu("GB10")
    alone = replace(spark, has_unified_memory=False)
    entry = look_up("meta-llama/Llama-3.1-8B-Instruct")
    assert entry is not None
    weights = RankWeights(0, 0, {}, "by group")
    shared, own = (
        memory_budget(entry.description, weights, ServingFacts(8192), gpu, 0.9)
        for gpu in (spark, alone)
    )
    assert shared.other.best > own.other.best
