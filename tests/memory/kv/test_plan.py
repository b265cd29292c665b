from __future__ import annotations

from dataclasses import replace

import pytest

from mixvllm.errors import EstimateError
from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.rules import rules_of
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import (
    ChunkedLocal,
    CrossAttention,
    FullAttention,
    GatedDeltaNet,
    LatentAttention,
    Layer,
    LinearAttention,
    Mamba1,
    Mamba2,
    ModelDescription,
    NoCache,
    SharedCache,
    ShortConvolution,
    SlidingWindow,
)
from tests.memory.golden import description

GIB = 2**30
FULL = FullAttention(kv_heads=8, key_size=128, value_size=128)
WINDOW = SlidingWindow(kv_heads=8, key_size=128, value_size=128, window=1024)
LATENT = LatentAttention(latent_size=512, rope_size=64)
DELTA = GatedDeltaNet(key_heads=16, key_size=128, value_heads=32, value_size=128, conv_kernel=4)


def model(*layers: Layer, **facts: str | int) -> ModelDescription:
    return ModelDescription(
        name="made up",
        architecture=str(facts.pop("architecture", "MadeUpForCausalLM")),
        model_type="made_up",
        layers=layers,
        context_length=131072,
        dtype="bfloat16",
        attention_heads=int(facts.pop("attention_heads", 64)),
        hidden_size=4096,
        vocab_size=32000,
        **facts,  # type: ignore[arg-type]
    )


def bytes_per_block(*layers: Layer, **settings: object) -> int:
    serving = ServingFacts(max_model_len=8192, **settings)  # type: ignore[arg-type]
    return plan_kv_cache(model(*layers), serving, 40 * GIB).bytes_per_block


def made(settings: dict[str, object]) -> ServingFacts:
    return ServingFacts(max_model_len=8192, **settings)  # type: ignore[arg-type]


def refusal(described: ModelDescription, **settings: object) -> str:
    with pytest.raises(EstimateError) as caught:
        plan_kv_cache(described, made(settings), 40 * GIB)
    return caught.value.message


def test_layers_that_share_a_cache_or_have_none_cost_nothing() -> None:
    assert bytes_per_block(FULL, SharedCache(), NoCache(), FULL) == bytes_per_block(FULL, FULL)


def test_mixed_head_sizes_of_one_kind_are_one_group_whose_pages_add_up() -> None:
    small = FullAttention(kv_heads=8, key_size=64, value_size=64)
    assert bytes_per_block(FULL, small) == 65_536 + 32_768


def test_heads_are_replicated_where_there_are_fewer_than_ranks() -> None:
    assert bytes_per_block(FULL, tensor_parallel_size=16) == bytes_per_block(
        FULL, tensor_parallel_size=8
    )


def test_falcon_keeps_its_number_format_whatever_is_asked_for() -> None:
    asked = ServingFacts(max_model_len=4096, kv_cache_dtype="fp8")
    pages = [
        plan_kv_cache(model(FULL, architecture=name), asked, GIB).bytes_per_block
        for name in ("FalconForCausalLM", "LlamaForCausalLM")
    ]
    assert pages[0] == 2 * pages[1]


def test_a_latent_vector_is_the_same_on_every_rank() -> None:
    assert bytes_per_block(LATENT, tensor_parallel_size=8) == bytes_per_block(LATENT)


@pytest.mark.parametrize(
    ("state", "size"),
    [
        (ShortConvolution(size=2048, conv_kernel=3), 2 * 2048 * 2),
        (LinearAttention(heads=8, head_size=64, state_dtype="float32"), 8 * 64 * 64 * 4),
        (Mamba1(inner_size=4096, state_size=16, conv_kernel=4), (3 * 4096 + 4096 * 16) * 2),
        (
            Mamba2(heads=64, head_size=64, groups=1, state_size=128, conv_kernel=4),
            (3 * (4096 + 2 * 128) + 64 * 64 * 128) * 2,
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else None,
)
def test_a_model_of_states_alone_keeps_their_bytes_unpadded(state: Layer, size: int) -> None:
    assert bytes_per_block(state, state) == 2 * size


def test_the_only_group_of_a_state_is_on_every_rank() -> None:
    state = Mamba2(heads=64, head_size=64, groups=1, state_size=128, conv_kernel=4)
    on_a_rank = (3 * (4096 + 2 * 4 * 128) // 4 + 64 // 4 * 64 * 128) * 2
    assert bytes_per_block(state, tensor_parallel_size=4) == on_a_rank


def test_sparse_latent_vectors_in_8_bits_are_packed_where_flashmla_serves_them() -> None:
    sparse = LatentAttention(latent_size=512, rope_size=64, indexer_size=128)
    assert bytes_per_block(sparse, kv_cache_dtype="fp8") == 64 * (656 + 132)
    plain = bytes_per_block(sparse, kv_cache_dtype="fp8", sparse_records=False)
    assert plain == 64 * (576 + 132)


def test_cross_attention_reserves_for_a_batch_of_encoder_tokens() -> None:
    cross = CrossAttention(kv_heads=8, key_size=128, value_size=128, encoder_tokens=1500)
    serving = ServingFacts(max_model_len=448, max_num_batched_tokens=1600)
    plan = plan_kv_cache(model(FULL, cross), serving, GIB)
    assert [(group.kind, group.blocks_per_request) for group in plan.groups] == [
        ("full_attention", 28),
        ("cross_attention", 100),
    ]


def test_context_parallelism_deals_the_tokens_over_the_ranks() -> None:
    serving = ServingFacts(
        max_model_len=32768, tensor_parallel_size=16, decode_context_parallel_size=2
    )
    assert plan_kv_cache(model(FULL), serving, GIB).blocks_per_request == 1024


def test_the_fullest_stage_of_a_pipeline_bounds_all() -> None:
    serving = ServingFacts(max_model_len=8192, pipeline_parallel_size=4)
    plan = plan_kv_cache(model(*[FULL] * 30), serving, 40 * GIB)
    assert [rank.layers for rank in plan.ranks] == [7, 8, 8, 7]
    assert plan.num_blocks == 40 * GIB // (8 * 65_536)


def test_each_stage_may_have_its_own_pool() -> None:
    serving = ServingFacts(max_model_len=8192, pipeline_parallel_size=2)
    plan = plan_kv_cache(model(FULL, FULL), serving, [GIB, 2 * GIB])
    assert plan.num_blocks == GIB // 65_536


def test_a_group_that_lacks_layers_says_how_many() -> None:
    layers = [WINDOW] * 5 + [FULL] * 2
    plan = plan_kv_cache(model(*layers), ServingFacts(max_model_len=8192), GIB)
    assert [(group.layers, group.padding_layers) for group in plan.groups] == [
        (2, 0),
        (2, 0),
        (1, 1),
        (2, 0),
    ]


def test_an_attention_page_that_does_not_divide_is_padded() -> None:
    odd = SlidingWindow(kv_heads=8, key_size=96, value_size=96, window=1024)
    plan = plan_kv_cache(model(FULL, odd), ServingFacts(max_model_len=8192), GIB)
    window = plan.groups[1]
    assert (window.page_bytes, window.natural_page_bytes) == (65_536, 49_152)


def test_latent_layers_beside_windows_of_other_pages_keep_every_token() -> None:
    plan = plan_kv_cache(model(LATENT, WINDOW), ServingFacts(max_model_len=8192), GIB)
    assert [group.layers for group in plan.groups] == [2]


def test_states_need_a_block_for_each_running_sequence() -> None:
    serving = ServingFacts(max_model_len=32768, max_num_seqs=1024)
    (warning,) = plan_kv_cache(description("Qwen3.5-27B"), serving, 40 * GIB).warnings
    assert "--max-num-seqs to at most 835" in warning
    eager = replace(serving, full_cuda_graphs=False)
    assert plan_kv_cache(description("Qwen3.5-27B"), eager, 40 * GIB).warnings == ()


def test_a_pool_of_nothing_holds_nothing_and_does_not_fit() -> None:
    plan = plan_kv_cache(model(FULL), ServingFacts(max_model_len=8192), -GIB)
    assert (plan.num_blocks, plan.tokens, plan.fits) == (0, 0, False)
    assert plan.max_model_len_that_fits == 0


def test_before_0_20_2_the_tokens_are_those_of_one_group() -> None:
    gemma = description("gemma-4-31B")
    serving = ServingFacts(max_model_len=8192, rules=rules_of("0.18.2"))
    # A public log: 69.75 GiB, "76,176 tokens", "10.13x".
    plan = plan_kv_cache(gemma, serving, int(69.75 * GIB))
    assert (plan.tokens, f"{plan.max_concurrency:.2f}") == (76_176, "10.13")


@pytest.mark.parametrize(
    ("name", "version", "settings", "gib", "tokens"),
    [
        (
            "gpt-oss-120b",
            "0.10.1.1",
            {"max_model_len": 16384, "max_num_batched_tokens": 2048, "tensor_parallel_size": 4},
            45.32,
            2_640_144,
        ),
        (
            "gemma-4-26B-A4B",
            "0.25.1",
            {"max_model_len": 262144, "max_num_batched_tokens": 2496},
            84.68,
            3_912_140,
        ),
    ],
)
def test_the_tokens_of_public_logs_lie_in_the_rounding_of_their_pool(
    name: str, version: str, settings: dict[str, int], gib: float, tokens: int
) -> None:
    serving = ServingFacts(rules=rules_of(version), **settings)  # type: ignore[arg-type]
    least, most = (
        plan_kv_cache(description(name), serving, int((gib + rounding) * GIB)).tokens
        for rounding in (-0.005, 0.005)
    )
    assert least <= tokens <= most


def test_chunks_with_a_draft_head_keep_every_token() -> None:
    chunked = ChunkedLocal(kv_heads=8, key_size=128, value_size=128, chunk=8192)
    serving = ServingFacts(max_model_len=131072, draft_layers=(FULL,))
    plan = plan_kv_cache(model(chunked, FULL), serving, 40 * GIB)
    assert [(group.kind, group.layers) for group in plan.groups] == [("full_attention", 3)]


@pytest.mark.parametrize(
    ("described", "settings", "message"),
    [
        (model(NoCache()), {}, "MadeUpForCausalLM keeps no KV cache"),
        (model(FULL), {"kv_cache_dtype": "fp6"}, "'fp6' is not known"),
        (model(LATENT), {"kv_cache_dtype": "nvfp4"}, "nvfp4 is not for multi-head latent"),
        (model(LATENT), {"kv_cache_dtype": "fp8_ds_mla"}, "fp8_ds_mla is for sparse MLA"),
        (model(FULL), {"kv_cache_dtype": "turboquant_k8v4"}, "turboquant_k8v4 keeps some layers"),
        (model(FULL), {"block_size": 24}, "block size of 24"),
        (model(FULL), {"tensor_parallel_size": 3}, "64 attention heads cannot be divided"),
        (
            model(FULL, attention_heads=48),
            {"tensor_parallel_size": 12},
            "8 KV heads cannot be divided over 12 ranks",
        ),
        (
            model(FULL),
            {"tensor_parallel_size": 8, "decode_context_parallel_size": 2},
            "8 ranks for 8 heads",
        ),
        (
            model(WINDOW),
            {"tensor_parallel_size": 16, "decode_context_parallel_size": 2},
            "not for models with sliding-window layers",
        ),
        (model(FULL), {"pipeline_parallel_size": 2}, "1 layers cannot be shared among 2"),
        (
            model(FULL, DELTA, architecture="FalconH1ForCausalLM"),
            {"pipeline_parallel_size": 2},
            "1 layers cannot be shared among 2",
        ),
        (
            model(FULL, CrossAttention(8, 128, 128, 1500)),
            {"pipeline_parallel_size": 2},
            "Pipeline parallelism of MadeUpForCausalLM is not modelled",
        ),
        (
            model(FULL, FULL),
            {"pipeline_parallel_size": 2, "pipeline_partition": (1, 2)},
            "does not share 2 layers among 2 stages",
        ),
        (model(FULL, DELTA), {"hybrid_manager": False}, "hybrid KV-cache manager off"),
        (
            model(Mamba2(heads=64, head_size=64, groups=2, state_size=128, conv_kernel=4)),
            {"tensor_parallel_size": 4},
            "2 state groups cannot be divided over 4",
        ),
        (
            model(FULL, DELTA),
            {"rules": rules_of("0.27")},
            "How many states vLLM 0.27 keeps",
        ),
        (model(FULL), {"max_num_batched_tokens": 0}, "max_num_batched_tokens must be at least 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_impossible_or_not_known_is_refused_by_name(
    described: ModelDescription, settings: dict[str, object], message: str
) -> None:
    assert message in refusal(described, **settings)
