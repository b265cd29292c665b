from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixvllm.errors import ModelError
from mixvllm.models.description import (
    BlockSparse,
    ChunkedLocal,
    CompressedLatent,
    CrossAttention,
    FullAttention,
    GatedDeltaNet,
    KimiDelta,
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
from mixvllm.models.from_config import describe
from mixvllm.models.weights.formula import weights_by_formula

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_hidden_layers": 4,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
    "intermediate_size": 14336,
}


def described(**changes: object) -> ModelDescription:
    """A Llama with some keys changed; None takes a key out."""
    config = {**LLAMA, **changes}
    return describe("a model", {key: value for key, value in config.items() if value is not None})


def layers(architecture: str, **changes: object) -> tuple[Layer, ...]:
    return described(architectures=[architecture], **changes).layers


def test_a_llama_has_full_attention_with_grouped_heads() -> None:
    model = described()
    assert model.layers == (FullAttention(8, 128, 128),) * 4
    assert (model.context_length, model.dtype) == (8192, "bfloat16")
    assert not model.is_moe
    assert not model.is_multimodal


def test_without_kv_heads_every_query_head_has_its_own() -> None:
    assert described(num_key_value_heads=None).layers[0] == FullAttention(32, 128, 128)


def test_a_head_size_of_its_own_counts_over_the_quotient() -> None:
    assert described(head_dim=64).layers[0] == FullAttention(8, 64, 64)
    assert described(head_dim=0).layers[0] == FullAttention(8, 128, 128)


def test_the_first_architecture_that_is_known_decides() -> None:
    assert described(architectures=["Mine", "LlamaForCausalLM"]).architecture == "LlamaForCausalLM"


def test_a_mistral_without_the_key_has_its_class_window_and_with_null_none() -> None:
    omitted = {**LLAMA, "architectures": ["MistralForCausalLM"]}
    assert describe("m", omitted).layers[0] == SlidingWindow(8, 128, 128, 4096)
    assert describe("m", {**omitted, "sliding_window": None}).layers[0] == FullAttention(
        8, 128, 128
    )


def test_a_qwen_window_counts_only_when_switched_on() -> None:
    window = {"sliding_window": 4096, "max_window_layers": 4}
    assert set(layers("Qwen2ForCausalLM", **window)) == {FullAttention(8, 128, 128)}
    on = {**window, "use_sliding_window": True}
    assert set(layers("Qwen2ForCausalLM", **on)) == {FullAttention(8, 128, 128)}
    assert set(layers("Qwen2ForCausalLM", **{**on, "max_window_layers": 0})) == {
        SlidingWindow(8, 128, 128, 4096)
    }
    with pytest.raises(ModelError, match="vLLM refuses"):
        layers("Qwen2ForCausalLM", **{**on, "max_window_layers": 2})


def test_gemma_3_has_what_its_configs_omit() -> None:
    model = describe(
        "gemma",
        {
            "architectures": ["Gemma3ForConditionalGeneration"],
            "model_type": "gemma3",
            "text_config": {
                "model_type": "gemma3_text",
                "hidden_size": 2560,
                "num_hidden_layers": 34,
                "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
                "sliding_window": 1024,
            },
        },
    )
    assert Counter(model.layers) == {
        SlidingWindow(4, 256, 256, 1024): 29,
        FullAttention(4, 256, 256): 5,
    }
    assert model.layers[5] == FullAttention(4, 256, 256)
    assert (model.vocab_size, model.context_length) == (262208, 131072)
    assert model.is_multimodal


def test_gemma_4_has_larger_heads_on_full_layers_and_shares_the_last_caches() -> None:
    made = layers(
        "Gemma4ForCausalLM",
        num_hidden_layers=12,
        head_dim=256,
        global_head_dim=512,
        num_global_key_value_heads=2,
        attention_k_eq_v=True,
        sliding_window=512,
        num_kv_shared_layers=3,
    )
    assert made[5] == FullAttention(2, 512, 512)
    assert made[0] == SlidingWindow(8, 256, 256, 512)
    assert made[9:] == (SharedCache(),) * 3


def test_llama_4_sees_everything_on_every_fourth_layer() -> None:
    made = layers("Llama4ForCausalLM", head_dim=128, no_rope_layers=[])
    assert made == (ChunkedLocal(8, 128, 128, 8192),) * 3 + (FullAttention(8, 128, 128),)


def test_gpt_oss_has_its_window_on_even_layers() -> None:
    made = layers("GptOssForCausalLM", head_dim=64, sliding_window=128)
    assert made[:2] == (SlidingWindow(8, 64, 64, 128), FullAttention(8, 64, 64))


def test_command_r7b_sees_its_window_and_the_token_itself() -> None:
    assert layers("Cohere2ForCausalLM")[0] == SlidingWindow(8, 128, 128, 4097)


def test_latent_attention_has_one_vector_and_an_indexer_where_it_chooses() -> None:
    mla = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "num_key_value_heads": None}
    assert layers("DeepseekV3ForCausalLM", **mla)[0] == LatentAttention(512, 64)
    assert layers("DeepseekV32ForCausalLM", **mla, index_head_dim=128)[3] == LatentAttention(
        512, 64, 128
    )
    sharing = layers(
        "GlmMoeDsaForCausalLM",
        **mla,
        num_hidden_layers=8,
        index_topk_freq=4,
        index_skip_topk_offset=3,
    )
    assert [layer.indexer_size for layer in sharing if isinstance(layer, LatentAttention)] == [
        *(128,) * 3,
        *(None,) * 3,
        128,
        None,
    ]


def test_deepseek_without_a_latent_size_has_plain_attention() -> None:
    config = {**LLAMA, "architectures": ["DeepseekV2ForCausalLM"], "kv_lora_rank": None}
    assert describe("m", config).layers[0] == FullAttention(8, 128, 128)


def test_minicpm_3_caches_the_expanded_heads() -> None:
    made = layers("MiniCPM3ForCausalLM", qk_nope_head_dim=64, qk_rope_head_dim=32)
    assert made[0] == FullAttention(32, 96, 96)


def test_jamba_has_attention_once_a_period() -> None:
    made = layers("JambaForCausalLM", num_hidden_layers=16)
    assert Counter(made) == {Mamba1(8192, 16, 4): 14, FullAttention(8, 128, 128): 2}


def test_nemotron_h_follows_its_letters() -> None:
    made = layers(
        "NemotronHForCausalLM",
        hybrid_override_pattern="ME*-",
        head_dim=128,
        mamba_num_heads=64,
        mamba_head_dim=64,
        ssm_state_size=128,
    )
    state = Mamba2(64, 64, 8, 128, 4, "float32")
    assert made == (state, NoCache(), FullAttention(8, 128, 128), NoCache())


def test_qwen_3_5_keeps_its_state_as_the_config_says() -> None:
    made = layers("Qwen3_5ForCausalLM", head_dim=256, mamba_ssm_dtype="float32")
    assert made[0] == GatedDeltaNet(16, 128, 32, 128, 4, "float32")
    assert layers("Qwen3NextForCausalLM")[0] == GatedDeltaNet(16, 128, 32, 128, 4, "model")
    assert made[3] == FullAttention(8, 256, 256)


def test_kimi_linear_counts_its_layers_from_one() -> None:
    made = layers(
        "KimiLinearForCausalLM",
        kv_lora_rank=512,
        qk_rope_head_dim=64,
        linear_attn_config={
            "kda_layers": [1, 2, 3],
            "full_attn_layers": [4],
            "num_heads": 32,
            "head_dim": 128,
            "short_conv_kernel_size": 4,
        },
    )
    assert made == (KimiDelta(32, 128, 4),) * 3 + (LatentAttention(512, 64),)


def test_other_hybrids_are_read_by_their_own_keys() -> None:
    assert layers("MiniMaxM1ForCausalLM", attn_type_list=[0, 0, 0, 1], head_dim=128) == (
        LinearAttention(32, 128, "model"),
    ) * 3 + (FullAttention(8, 128, 128),)
    assert layers("Lfm2ForCausalLM", full_attn_idxs=[3]) == (ShortConvolution(4096, 3),) * 3 + (
        FullAttention(8, 128, 128),
    )
    both = layers("FalconH1ForCausalLM", mamba_n_heads=64, mamba_d_ssm=4096)
    assert both == (FullAttention(8, 128, 128), Mamba2(64, 64, 1, 256, 4)) * 4
    granite = layers(
        "GraniteMoeHybridForCausalLM", layer_types=["mamba", "mamba", "mamba", "attention"]
    )
    assert granite[0] == Mamba2(128, 64, 1, 256, 4)


def test_mimo_has_other_heads_behind_its_window() -> None:
    made = layers(
        "MiMoV2FlashForCausalLM",
        head_dim=192,
        v_head_dim=128,
        swa_num_key_value_heads=16,
        swa_head_dim=192,
        swa_v_head_dim=128,
        hybrid_layer_pattern=[0, 1, 1, 1],
        sliding_window_size=128,
    )
    assert made[:2] == (FullAttention(8, 192, 128), SlidingWindow(16, 192, 128, 128))


def test_a_searched_nemotron_has_heads_by_block() -> None:
    attention = {"no_op": False, "n_heads_in_group": 8}
    blocks = [{"attention": attention}] * 3 + [{"attention": {"no_op": True}}]
    assert layers("DeciLMForCausalLM", block_configs=blocks) == (
        *(FullAttention(4, 128, 128),) * 3,
        NoCache(),
    )


def test_llama_vision_looks_at_the_picture_on_its_cross_layers() -> None:
    model = describe(
        "vision",
        {
            "architectures": ["MllamaForConditionalGeneration"],
            "text_config": {**LLAMA, "cross_attention_layers": [2]},
            "vision_config": {"image_size": 560, "patch_size": 14, "max_num_tiles": 4},
        },
    )
    assert model.layers[2] == CrossAttention(8, 128, 128, 4 * 1601)
    assert model.served_until == "0.10.2"


@pytest.mark.parametrize(
    ("rope", "longest"),
    [
        ({"type": "linear", "factor": 4.0}, 32768),
        ({"rope_type": "dynamic", "factor": 2.0}, 16384),
        ({"rope_type": "yarn", "factor": 4.0}, 8192),
        ({"rope_type": "llama3", "factor": 8.0}, 8192),
        ({"type": "mrope", "mrope_section": [16, 24, 24]}, 8192),
    ],
)
def test_a_rope_lengthens_the_context_as_vllm_has_it(rope: object, longest: int) -> None:
    assert described(rope_scaling=rope).context_length == longest


def test_long_rope_starts_at_the_length_before_scaling() -> None:
    model = described(
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        rope_scaling={"type": "longrope", "long_factor": [1.0], "short_factor": [1.0]},
    )
    assert (model.context_length, model.default_length) == (131072, 4096)


def test_the_smallest_length_counts_and_model_max_length_over_all() -> None:
    assert described(seq_length=4096).context_length == 4096
    assert described(model_max_length=131072).context_length == 131072
    assert described(max_position_embeddings=None).context_length is None


def test_float32_and_nothing_become_bfloat16() -> None:
    assert described(torch_dtype="float32").dtype == "bfloat16"
    assert described(torch_dtype=None).dtype == "bfloat16"
    assert described(torch_dtype="float16").dtype == "float16"
    assert described(torch_dtype="float16", model_type="gemma2").dtype == "bfloat16"


@pytest.mark.parametrize(
    ("quantization", "method", "kv"),
    [
        ({"quant_method": "awq", "bits": 4}, "awq", None),
        ({"quant_method": "fp8"}, "fp8", None),
        (
            {
                "quant_method": "compressed-tensors",
                "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False},
            },
            "compressed-tensors",
            "fp8",
        ),
        (
            {
                "quant_method": "modelopt",
                "quant_algo": "NVFP4",
                "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": False},
            },
            "modelopt_fp4",
            "fp8",
        ),
        (
            {
                "quant_method": "modelopt",
                "quant_algo": "FP8",
                "kv_cache_scheme": {"num_bits": 8, "type": "float", "dynamic": True},
            },
            "modelopt",
            None,
        ),
    ],
)
def test_a_checkpoint_says_how_its_weights_and_cache_are_kept(
    quantization: object, method: str, kv: str | None
) -> None:
    model = described(quantization_config=quantization)
    assert (model.quantization, model.kv_cache_dtype) == (method, kv)


def test_modelopts_own_file_counts_only_where_the_config_has_nothing() -> None:
    beside = {
        "producer": {"name": "modelopt"},
        "quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"},
    }
    model = describe("m", LLAMA, beside)
    assert (model.quantization, model.kv_cache_dtype) == ("modelopt_fp4", "fp8")
    with_own = {**LLAMA, "quantization_config": {"quant_method": "fp8"}}
    assert describe("m", with_own, beside).kv_cache_dtype is None


def test_an_unknown_architecture_is_named_with_those_close_to_it() -> None:
    with pytest.raises(ModelError, match=r"LlamaForCasualLM is not known.*LlamaForCausalLM"):
        described(architectures=["LlamaForCasualLM"])


def test_an_architecture_with_unknown_caches_is_refused() -> None:
    with pytest.raises(ModelError, match="pooled keys"):
        described(architectures=["Glm5NextForCausalLM"])


DEEPSEEK_V4 = {
    "num_hidden_layers": 3,
    "head_dim": 512,
    "sliding_window": 128,
    "o_groups": 8,
    "compress_ratios": [0, 4, 128, 0],
}


def test_deepseek_v4_has_windows_with_compressed_vectors_before_them() -> None:
    assert layers("DeepseekV4ForCausalLM", **DEEPSEEK_V4) == (
        CompressedLatent(512, 128, 1, 8),
        CompressedLatent(512, 128, 4, 8, indexer_size=128),
        CompressedLatent(512, 128, 128, 8),
    )


def test_a_ratio_without_a_kernel_is_refused() -> None:
    ratios = {"compress_ratios": [0, 4, 16]}
    with pytest.raises(ModelError, match="has 16"):
        layers("DeepseekV4ForCausalLM", **(DEEPSEEK_V4 | ratios))


def test_minimax_m3_has_index_keys_on_its_sparse_layers() -> None:
    sparse = {
        "use_sparse_attention": True,
        "sparse_index_dim": 128,
        "sparse_block_size": 128,
        "sparse_attention_freq": [0, 0, 0, 1],
    }
    assert layers("MiniMaxM3SparseForCausalLM", sparse_attention_config=sparse) == (
        *(FullAttention(8, 128, 128),) * 3,
        BlockSparse(8, 128, 128, 128, 128),
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_attention_heads": 0}, "`num_attention_heads` is 0"),
        ({"num_hidden_layers": -1}, "`num_hidden_layers` is -1"),
        ({"num_hidden_layers": 1_000_000}, "`num_hidden_layers` is 1000000"),
        ({"hidden_size": "4096"}, "`hidden_size` is '4096'"),
        ({"hidden_size": None}, "`hidden_size` is missing"),
        ({"hidden_size": 16}, "`hidden_size` is 16, less than"),
        ({"num_key_value_heads": 7}, "`num_key_value_heads` is 7"),
        ({"vocab_size": True}, "`vocab_size` is True"),
        ({"layer_types": ["full_attention"]}, "`layer_types` names 1 layers of 4"),
        ({"layer_types": ["wavelet"] * 4}, "'wavelet'"),
        ({"rope_scaling": {"type": "linear", "factor": -1}}, "`rope_scaling.factor` is -1"),
        ({"quantization_config": {"bits": 4}}, "`quantization_config.quant_method` is missing"),
        ({"architectures": None, "model_type": None}, "`architectures` is missing"),
        ({"architectures": "LlamaForCausalLM"}, "`architectures` is 'LlamaForCausalLM'"),
        ({"hidden_size": 10**5000}, "a number of absurd size"),
    ],
)
def test_an_absurd_config_is_refused_by_the_key(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ModelError) as raised:
        described(**changes)
    assert named in raised.value.message


def test_a_config_inside_itself_is_refused() -> None:
    endless: dict[str, Any] = {"architectures": ["Gemma3ForConditionalGeneration"]}
    endless["text_config"] = endless
    with pytest.raises(ModelError, match="nested without end"):
        describe("m", endless)


KEYS = sorted(
    {
        *LLAMA,
        *("head_dim", "sliding_window", "layer_types", "rope_scaling", "quantization_config"),
        *("kv_lora_rank", "block_configs", "linear_attn_config", "text_config", "multi_query"),
        *("hybrid_override_pattern", "no_rope_layers", "mamba_expand", "mamba_d_head"),
        *("num_kv_shared_layers", "attn_config", "vision_config", "index_topk_pattern"),
        *("intermediate_size", "num_experts", "moe_layer_freq", "moe_intermediate_size"),
        *("qk_rope_head_dim", "qk_nope_head_dim", "q_lora_rank", "weight_block_size"),
        *("quant_method", "config_groups", "weights", "num_bits", "bits", "ignore"),
    }
)
ARCHITECTURES = (
    *("LlamaForCausalLM", "Gemma4ForCausalLM", "Llama4ForCausalLM", "NemotronHForCausalLM"),
    *("FalconH1ForCausalLM", "DeciLMForCausalLM", "KimiLinearForCausalLM", "DbrxForCausalLM"),
    *("GlmMoeDsaForCausalLM", "MllamaForConditionalGeneration", "Qwen2ForCausalLM"),
    *("Step3p5ForCausalLM", "Lfm2ForCausalLM", "Gemma3ForConditionalGeneration"),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("*ES0x", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.sampled_from(ARCHITECTURES),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6),
)
def test_whatever_a_config_holds_it_is_described_or_refused(
    architecture: str, changes: dict[str, object]
) -> None:
    config = {**LLAMA, "architectures": [architecture], **changes}
    try:
        model = describe("any", config)
        weights = weights_by_formula(config)
    except ModelError:
        return
    assert model.layers
    assert weights is None or weights.total_bytes > 0
