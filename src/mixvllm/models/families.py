"""The architectures that vLLM serves: how each names its layers, and what its configs leave out.

The first row of a table that has the architecture decides. Every entry was read off vLLM's own
model file; an architecture that is in no table is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import Layer
from mixvllm.models.layers import attention, latent, own_sizes, recurrent, sparse


@dataclass(frozen=True)
class Family:
    """How the configs of one architecture are read.

    Attributes:
        layers: The decoder's layers from the language part's keys.
        defaults: What the configuration class gives where a published config has nothing.
    """

    layers: Callable[[ConfigKeys], tuple[Layer, ...]]
    defaults: Mapping[str, object] = field(default_factory=dict)


def _same(family: Family, *names: str) -> dict[str, Family]:
    return dict.fromkeys(names, family)


_GEMMA3: Final = Family(
    attention.gemma3,
    {
        "sliding_window": 4096,
        "head_dim": 256,
        "hidden_size": 2304,
        "intermediate_size": 9216,
        "num_hidden_layers": 26,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "vocab_size": 262208,
        "max_position_embeddings": 131072,
    },
)
_QWEN_NEXT: Final = {
    "head_dim": 256,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
}
_MAMBA2: Final = {
    "mamba_d_state": 256,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_n_groups": 1,
    "mamba_n_heads": 128,
}
_MLA: Final = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128}

FAMILIES: Final[Mapping[str, Family]] = {
    **_same(
        Family(attention.mixed),
        "LlamaForCausalLM",
        "LLaMAForCausalLM",
        "InternLM2ForCausalLM",
        "InternLM3ForCausalLM",
        "ExaoneForCausalLM",
        "ArceeForCausalLM",
        "SmolLM3ForCausalLM",
        "SeedOssForCausalLM",
        "OlmoForCausalLM",
        "Olmo2ForCausalLM",
        "MuseGlimmerForConditionalGeneration",
        "LagunaForCausalLM",
        "Ministral3ForCausalLM",
    ),
    **_same(
        Family(attention.uniform),
        "ApertusForCausalLM",
        "AquilaForCausalLM",
        "BaiChuanForCausalLM",
        "BaichuanForCausalLM",
        "CohereForCausalLM",
        "DeepseekForCausalLM",
        "Ernie4_5ForCausalLM",
        "Ernie4_5_MoeForCausalLM",
        "Glm4MoeForCausalLM",
        "GraniteForCausalLM",
        "GraniteMoeForCausalLM",
        "GraniteMoeSharedForCausalLM",
        "HunYuanDenseV1ForCausalLM",
        "HunYuanMoEV1ForCausalLM",
        "InternLMForCausalLM",
        "MiMoForCausalLM",
        "MiniCPMForCausalLM",
        "MiniMaxM2ForCausalLM",
        "MolmoForCausalLM",
        "NemotronForCausalLM",
        "OlmoeForCausalLM",
        "OPTForCausalLM",
        "OrionForCausalLM",
        "PhiMoEForCausalLM",
        "Phi3ForCausalLM",
        "Phi3SmallForCausalLM",
        "Phi3VForCausalLM",
        "Phi4MMForCausalLM",
        "QWenLMHeadModel",
        "SolarForCausalLM",
        "Starcoder2ForCausalLM",
        "XverseForCausalLM",
    ),
    **_same(
        Family(attention.uniform, {"max_position_embeddings": 2048}),
        "BloomForCausalLM",
        "GPTJForCausalLM",
        "GPTNeoXForCausalLM",
        "PhiForCausalLM",
    ),
    **_same(
        Family(attention.uniform, {"max_position_embeddings": 4096}),
        "StableLMEpochForCausalLM",
        "StableLmForCausalLM",
    ),
    "GPT2LMHeadModel": Family(attention.uniform, {"max_position_embeddings": 1024}),
    "GPTBigCodeForCausalLM": Family(attention.gpt_bigcode, {"max_position_embeddings": 1024}),
    "MistralForCausalLM": Family(
        attention.mixed,
        {
            "sliding_window": 4096,
            "num_key_value_heads": 8,
            "max_position_embeddings": 131072,
        },
    ),
    "MixtralForCausalLM": Family(
        attention.uniform, {"num_key_value_heads": 8, "max_position_embeddings": 131072}
    ),
    **_same(
        Family(attention.optionally_windowed, {"max_window_layers": 28}),
        "Qwen2ForCausalLM",
        "Qwen2MoeForCausalLM",
    ),
    "Qwen3ForCausalLM": Family(
        attention.optionally_windowed, {"head_dim": 128, "max_window_layers": 28}
    ),
    # These have no `max_window_layers`: the window is on all layers or on none.
    "Qwen3MoeForCausalLM": Family(attention.optionally_windowed),
    **_same(
        Family(recurrent.gated_delta_net, _QWEN_NEXT),
        "Qwen3NextForCausalLM",
        "Qwen3_5ForCausalLM",
        "Qwen3_5MoeForCausalLM",
    ),
    "GemmaForCausalLM": Family(
        attention.uniform,
        {"head_dim": 256, "num_key_value_heads": 16, "max_position_embeddings": 8192},
    ),
    "Gemma2ForCausalLM": Family(
        attention.gemma2,
        {
            "head_dim": 256,
            "num_key_value_heads": 4,
            "sliding_window": 4096,
            "max_position_embeddings": 8192,
        },
    ),
    "Gemma3ForCausalLM": _GEMMA3,
    "Gemma3nForCausalLM": Family(
        own_sizes.gemma3n,
        {
            "head_dim": 256,
            "sliding_window": 512,
            "num_kv_shared_layers": 15,
            "num_attention_heads": 8,
            "num_key_value_heads": 2,
            "max_position_embeddings": 32768,
            "vocab_size": 262400,
        },
    ),
    "Gemma4ForCausalLM": Family(
        own_sizes.gemma4,
        {
            "head_dim": 256,
            "sliding_window": 512,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "max_position_embeddings": 131072,
            "vocab_size": 262144,
        },
    ),
    "Cohere2ForCausalLM": Family(
        attention.cohere2, {"sliding_window": 4096, "max_position_embeddings": 8192}
    ),
    **_same(
        Family(attention.every_fourth_full, {"sliding_window": 4096}),
        "Olmo3ForCausalLM",
        "Exaone4ForCausalLM",
    ),
    "GptOssForCausalLM": Family(
        attention.every_second_windowed, {"sliding_window": 128, "head_dim": 64}
    ),
    "Llama4ForCausalLM": Family(
        attention.llama4,
        {"attention_chunk_size": 8192, "head_dim": 128, "num_key_value_heads": 8},
    ),
    "MiMoV2FlashForCausalLM": Family(own_sizes.mimo_v2),
    "MiMoV2ForCausalLM": Family(own_sizes.mimo_v2),
    **_same(Family(own_sizes.step3p5), "Step3p5ForCausalLM", "Step3p7FlashForCausalLM"),
    **_same(
        Family(attention.falcon, {"max_position_embeddings": 2048}),
        "FalconForCausalLM",
        "RWForCausalLM",
    ),
    **_same(Family(attention.chatglm), "ChatGLMModel", "ChatGLMForConditionalGeneration"),
    **_same(
        Family(attention.uniform, {"head_dim": 128, "num_key_value_heads": 2}),
        "GlmForCausalLM",
        "Glm4ForCausalLM",
    ),
    "DbrxForCausalLM": Family(attention.dbrx),
    "DeciLMForCausalLM": Family(attention.nemotron_nas),
    **_same(
        Family(latent.deepseek, _MLA),
        "DeepseekV2ForCausalLM",
        "DeepseekV3ForCausalLM",
        "Glm4MoeLiteForCausalLM",
    ),
    **_same(
        Family(latent.with_indexer, {**_MLA, "index_head_dim": 128}),
        "DeepseekV32ForCausalLM",
        "GlmMoeDsaForCausalLM",
    ),
    "MiniCPM3ForCausalLM": Family(latent.minicpm3),
    "DeepseekV4ForCausalLM": Family(sparse.deepseek_v4, {"index_head_dim": 128}),
    "MiniMaxM3SparseForCausalLM": Family(sparse.minimax_m3),
    "JambaForCausalLM": Family(
        recurrent.jamba,
        {
            "attn_layer_period": 8,
            "attn_layer_offset": 4,
            "mamba_d_state": 16,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
            "num_key_value_heads": 8,
            "max_position_embeddings": 262144,
        },
    ),
    **_same(
        Family(recurrent.pure_mamba1, {"state_size": 16, "conv_kernel": 4, "expand": 2}),
        "MambaForCausalLM",
        "FalconMambaForCausalLM",
    ),
    "Mamba2ForCausalLM": Family(
        recurrent.pure_mamba2,
        {"state_size": 128, "conv_kernel": 4, "expand": 2, "head_dim": 64, "n_groups": 8},
    ),
    "NemotronHForCausalLM": Family(
        recurrent.nemotron_h, {"head_dim": 128, "n_groups": 8, "conv_kernel": 4}
    ),
    "GraniteMoeHybridForCausalLM": Family(recurrent.granite_hybrid, _MAMBA2),
    "BambaForCausalLM": Family(recurrent.bamba, _MAMBA2),
    "FalconH1ForCausalLM": Family(recurrent.falcon_h1, {**_MAMBA2, "mamba_d_head": "auto"}),
    "KimiLinearForCausalLM": Family(recurrent.kimi_linear),
    **_same(
        Family(recurrent.lightning),
        "MiniMaxM1ForCausalLM",
        "MiniMaxText01ForCausalLM",
    ),
    **_same(Family(recurrent.lfm2, {"conv_L_cache": 3}), "Lfm2ForCausalLM", "Lfm2MoeForCausalLM"),
    "MllamaForConditionalGeneration": Family(own_sizes.mllama),
    "WhisperForConditionalGeneration": Family(own_sizes.whisper),
}
