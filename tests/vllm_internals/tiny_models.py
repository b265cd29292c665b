"""Small models, real in their structure: the config that vLLM reads, and the layers it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixvllm.models.description import (
    ChunkedLocal,
    CompressedLatent,
    FullAttention,
    GatedDeltaNet,
    LatentAttention,
    Layer,
    Mamba2,
    ModelDescription,
    NoCache,
    ShortConvolution,
    SlidingWindow,
)

# What every config has; the sizes that do not matter to the cache.
COMMON = {
    "vocab_size": 1024,
    "hidden_size": 512,
    "intermediate_size": 256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True)
class TinyModel:
    """A config and its layers by hand."""

    config: dict[str, Any]
    layers: tuple[Layer, ...]
    heads: int = 8

    @property
    def description(self) -> ModelDescription:
        (architecture,) = self.config["architectures"]
        return ModelDescription(
            name=self.config["model_type"],
            architecture=architecture,
            model_type=self.config["model_type"],
            layers=self.layers,
            context_length=131072,
            dtype="bfloat16",
            attention_heads=self.heads,
            hidden_size=512,
            vocab_size=1024,
        )


def config(architecture: str, model_type: str, layers: int, **keys: Any) -> dict[str, Any]:
    return {
        **COMMON,
        "architectures": [architecture],
        "model_type": model_type,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        **keys,
    }


def full(heads: int, size: int) -> FullAttention:
    return FullAttention(kv_heads=heads, key_size=size, value_size=size)


def pattern(times: int, *layers: Layer) -> tuple[Layer, ...]:
    return layers * times


def windows(times: int) -> tuple[Layer, ...]:
    return pattern(times, SlidingWindow(kv_heads=4, key_size=64, value_size=64, window=512))


LLAMA = TinyModel(
    config("LlamaForCausalLM", "llama", 6, num_key_value_heads=2, head_dim=64),
    pattern(6, full(2, 64)),
)

GEMMA = TinyModel(
    config(
        "Gemma3ForCausalLM",
        "gemma3_text",
        12,
        num_key_value_heads=4,
        head_dim=64,
        sliding_window=512,
        layer_types=(["sliding_attention"] * 5 + ["full_attention"]) * 2,
        query_pre_attn_scalar=64,
    ),
    pattern(2, *windows(5), full(4, 64)),
)

DEEPSEEK = TinyModel(
    config(
        "DeepseekV3ForCausalLM",
        "deepseek_v3",
        4,
        num_key_value_heads=8,
        q_lora_rank=64,
        kv_lora_rank=512,
        qk_rope_head_dim=64,
        qk_nope_head_dim=128,
        v_head_dim=128,
        n_routed_experts=8,
        n_shared_experts=1,
        num_experts_per_tok=2,
        moe_intermediate_size=64,
        first_k_dense_replace=1,
        moe_layer_freq=1,
        n_group=1,
        topk_group=1,
        routed_scaling_factor=1.0,
        norm_topk_prob=True,
        scoring_func="sigmoid",
        topk_method="noaux_tc",
        hidden_act="silu",
    ),
    pattern(4, LatentAttention(latent_size=512, rope_size=64)),
)

DELTAS = pattern(
    3, GatedDeltaNet(key_heads=4, key_size=64, value_heads=8, value_size=64, conv_kernel=4)
)

QWEN_NEXT = TinyModel(
    config(
        "Qwen3NextForCausalLM",
        "qwen3_next",
        8,
        num_key_value_heads=2,
        head_dim=64,
        linear_num_key_heads=4,
        linear_key_head_dim=64,
        linear_num_value_heads=8,
        linear_value_head_dim=64,
        linear_conv_kernel_dim=4,
        full_attention_interval=4,
        num_experts=8,
        num_experts_per_tok=2,
        moe_intermediate_size=64,
        shared_expert_intermediate_size=64,
        decoder_sparse_step=1,
        mlp_only_layers=[],
        norm_topk_prob=True,
        hidden_act="silu",
        partial_rotary_factor=0.25,
    ),
    pattern(2, *DELTAS, full(2, 64)),
)

NEMOTRON_LAYERS: dict[str, Layer] = {
    "M": Mamba2(
        heads=16, head_size=64, groups=4, state_size=64, conv_kernel=4, state_dtype="float32"
    ),
    "*": full(2, 64),
    "-": NoCache(),
}

NEMOTRON = TinyModel(
    config(
        "NemotronHForCausalLM",
        "nemotron_h",
        10,
        num_key_value_heads=2,
        head_dim=64,
        attention_head_dim=64,
        hybrid_override_pattern="M-M*M-M*M-",
        mamba_num_heads=16,
        mamba_head_dim=64,
        n_groups=4,
        ssm_state_size=64,
        conv_kernel=4,
        mamba_hidden_act="silu",
        mlp_hidden_act="relu2",
        layer_norm_epsilon=1e-5,
        chunk_size=64,
        use_conv_bias=True,
        expand=2,
    ),
    tuple(NEMOTRON_LAYERS[letter] for letter in "M-M*M-M*M-"),
)

LFM = TinyModel(
    config(
        "Lfm2ForCausalLM",
        "lfm2",
        6,
        num_key_value_heads=4,
        layer_types=["conv", "conv", "full_attention"] * 2,
        conv_L_cache=3,
        conv_bias=False,
        block_dim=512,
        block_ff_dim=512,
        conv_dim=512,
        block_auto_adjust_ff_dim=False,
        block_multiple_of=64,
        block_ffn_dim_multiplier=1.0,
        norm_eps=1e-5,
        rope_theta=1e6,
    ),
    pattern(2, *pattern(2, ShortConvolution(size=512, conv_kernel=3)), full(4, 64)),
)

CHUNKS = pattern(3, ChunkedLocal(kv_heads=2, key_size=64, value_size=64, chunk=8192))

LLAMA_4 = TinyModel(
    {
        **config(
            "Llama4ForCausalLM",
            "llama4_text",
            8,
            num_key_value_heads=2,
            head_dim=64,
            attention_chunk_size=8192,
            no_rope_layers=[1, 1, 1, 0] * 2,
            num_local_experts=4,
            num_experts_per_tok=1,
            interleave_moe_layer_step=1,
            intermediate_size_mlp=256,
            use_qk_norm=True,
            hidden_act="silu",
        ),
    },
    pattern(2, *CHUNKS, full(2, 64)),
)


def compressed(ratio: int) -> CompressedLatent:
    return CompressedLatent(512, 128, ratio, 8, 128 if ratio == 4 else None)


def deepseek_v4(*ratios: int) -> TinyModel:
    return TinyModel(
        config(
            "DeepseekV4ForCausalLM",
            "deepseek_v4",
            len(ratios),
            num_key_value_heads=1,
            head_dim=512,
            q_lora_rank=256,
            o_lora_rank=64,
            o_groups=8,
            qk_rope_head_dim=64,
            index_head_dim=128,
            index_n_heads=64,
            index_topk=512,
            sliding_window=128,
            compress_ratios=[*ratios, 0],
            compress_rope_theta=160000,
            rope_theta=10000,
            rope_scaling={
                "type": "yarn",
                "factor": 16,
                "beta_fast": 32,
                "beta_slow": 1,
                "original_max_position_embeddings": 8192,
            },
            hc_mult=4,
            hc_eps=1e-6,
            hc_sinkhorn_iters=20,
            moe_intermediate_size=128,
            n_routed_experts=8,
            n_shared_experts=1,
            num_experts_per_tok=2,
            num_hash_layers=0,
            num_nextn_predict_layers=1,
            norm_topk_prob=True,
            topk_method="noaux_tc",
            scoring_func="sqrtsoftplus",
            routed_scaling_factor=1.5,
            swiglu_limit=10.0,
            hidden_act="silu",
        ),
        tuple(compressed(max(1, ratio)) for ratio in ratios),
    )


# As published: two layers with windows alone, then ratios in turn.
DEEPSEEK_V4 = deepseek_v4(0, 0, 4, 128, 4, 128, 4)
# As many vectors as keys of the indexer, so that the two pages are a pattern.
DEEPSEEK_V4_PATTERN = deepseek_v4(4, 4, 4)
