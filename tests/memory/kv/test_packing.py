"""Pages side by side in one block: which layers share a table."""

from __future__ import annotations

import pytest

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.kv.planned_cache import KvPlan
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import BlockSparse, CompressedLatent, Layer, ModelDescription

GIB = 2**30
WINDOW = CompressedLatent(512, 128, 1, 8)
BY_4 = CompressedLatent(512, 128, 4, 8, indexer_size=128)
BY_128 = CompressedLatent(512, 128, 128, 8)


def model(*layers: Layer) -> ModelDescription:
    return ModelDescription(
        name="a model",
        architecture="DeepseekV4ForCausalLM",
        model_type="deepseek_v4",
        layers=layers,
        context_length=1 << 20,
        dtype="bfloat16",
        attention_heads=64,
        hidden_size=4096,
        vocab_size=129280,
    )


def plan(*layers: Layer, **settings: object) -> KvPlan:
    serving = ServingFacts(**{"max_model_len": 32768, **settings})  # type: ignore[arg-type]
    return plan_kv_cache(model(*layers), serving, 4 * GIB)


def test_a_model_of_windows_alone_is_one_group_of_their_pages() -> None:
    planned = plan(WINDOW, WINDOW)
    assert [group.layers for group in planned.groups] == [2]
    assert planned.bytes_per_block == 2 * 37440


def test_no_page_is_padded_to_another() -> None:
    pages = {group.page_bytes for group in plan(WINDOW, BY_4, BY_128).groups}
    assert pages == {37440, 32832}


def test_vectors_and_index_keys_of_one_pattern_stay_in_one_group() -> None:
    planned = plan(BY_4, BY_4, BY_4)
    vectors = next(group for group in planned.groups if group.kind == "latent_attention")
    assert (vectors.layers, vectors.bytes_per_block) == (6, 3 * (37440 + 8640))


def test_only_the_compressed_vectors_grow_with_the_length() -> None:
    short, long = plan(BY_4, max_model_len=65536), plan(BY_4, max_model_len=131072)
    assert long.blocks_per_request - short.blocks_per_request == 65536 // 256


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rules": rules_of("0.31")}, "0.32 and later"),
        ({"hybrid_manager": False}, "hybrid"),
        ({"block_size": 64}, "256"),
        ({"kv_cache_dtype": "bfloat16"}, "8-bit"),
        ({"tensor_parallel_size": 16}, "groups of the attention"),
        ({"tensor_parallel_size": 2, "decode_context_parallel_size": 2}, "Decode context"),
    ],
)
def test_what_has_not_been_established_is_refused(settings: dict[str, object], named: str) -> None:
    with pytest.raises(EstimateError, match=named):
        plan(WINDOW, BY_4, **settings)


def test_compression_without_any_indexer_is_refused_as_by_vllm() -> None:
    with pytest.raises(EstimateError, match="no indexer"):
        plan(WINDOW, BY_128)


def test_block_sparse_attention_takes_whole_sparse_blocks() -> None:
    layer = BlockSparse(4, 128, 128, 128, 128)
    assert plan(layer, block_size=256).block_size == 256
    with pytest.raises(EstimateError, match="whole 128 tokens"):
        plan(layer, block_size=64)
    with pytest.raises(EstimateError, match="nvfp4"):
        plan(layer, kv_cache_dtype="nvfp4")
