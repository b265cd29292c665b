"""What the weights of an architecture have beside the usual matrices: biases, norms, ties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from mixvllm.models.config_keys import ConfigKeys


@dataclass(frozen=True)
class Traits:
    """The differences from Llama.

    Attributes:
        qkv_bias: Whether queries, keys and values have one, or the key that says so.
        out_bias: The same for the projection after them.
        mlp_bias: The same for the MLP.
        gated: Three matrices an MLP in place of two.
        norms: Norms a layer, of the hidden size.
        norm_bias: Whether a norm has a bias, too.
        qk_norm: Norms of queries and keys: of one head, or over all heads.
        query_gate: A gate as wide as the queries.
        tied: The output shares the embedding where the config says nothing.
        positions: The key of the number of learned positions.
    """

    qkv_bias: bool | str = "attention_bias"
    out_bias: bool | str = "attention_bias"
    mlp_bias: bool | str = "mlp_bias"
    gated: bool = True
    norms: int = 2
    norm_bias: bool = False
    qk_norm: Literal["none", "head", "all"] = "none"
    query_gate: bool = False
    tied: bool = False
    positions: str | None = None


_BIASED: Final = Traits(
    qkv_bias=True, out_bias=True, mlp_bias=True, gated=False, norm_bias=True, tied=True
)
_QWEN2: Final = Traits(qkv_bias=True, out_bias=False)
_QWEN3: Final = Traits(qk_norm="head")
_QWEN_NEXT: Final = Traits(qk_norm="head", query_gate=True)

TRAITS: Final[Mapping[str, Traits]] = {
    "BaichuanForCausalLM": Traits(qkv_bias=False, out_bias=False),
    "ChatGLMModel": Traits(qkv_bias="add_qkv_bias", out_bias="add_bias_linear"),
    "CohereForCausalLM": Traits(norms=1, tied=True),
    "Cohere2ForCausalLM": Traits(norms=1, tied=True),
    "DeciLMForCausalLM": Traits(),
    "DeepseekV4ForCausalLM": Traits(),
    "Exaone4ForCausalLM": Traits(qk_norm="head"),
    "FalconForCausalLM": Traits(
        qkv_bias="bias", out_bias="bias", mlp_bias="bias", gated=False, norm_bias=True, tied=True
    ),
    "FalconH1ForCausalLM": Traits(),
    "GemmaForCausalLM": Traits(tied=True),
    "Gemma2ForCausalLM": Traits(norms=4, tied=True),
    "Gemma3ForCausalLM": Traits(norms=4, qk_norm="head", tied=True),
    "Gemma4ForCausalLM": Traits(norms=4, qk_norm="head", tied=True),
    "Glm4ForCausalLM": Traits(qkv_bias="attention_bias", out_bias=False, norms=4),
    "Glm4MoeForCausalLM": Traits(qkv_bias="attention_bias", out_bias=False),
    "GPT2LMHeadModel": Traits(
        True,
        True,
        True,
        gated=False,
        norm_bias=True,
        tied=True,
        positions="max_position_embeddings",
    ),
    "GPTBigCodeForCausalLM": Traits(
        True,
        True,
        True,
        gated=False,
        norm_bias=True,
        tied=True,
        positions="max_position_embeddings",
    ),
    "GptOssForCausalLM": Traits(True, True, mlp_bias=True),
    "InternLM2ForCausalLM": Traits("bias", "bias"),
    "JambaForCausalLM": Traits(False, False),
    "LagunaForCausalLM": Traits(qk_norm="head"),
    "Lfm2ForCausalLM": Traits(False, False, False, qk_norm="head", tied=True),
    "Lfm2MoeForCausalLM": Traits(False, False, False, qk_norm="head", tied=True),
    "MiMoForCausalLM": Traits(qkv_bias=True, out_bias=False),
    "MiMoV2FlashForCausalLM": Traits(),
    "MiniCPMForCausalLM": Traits(tied=True),
    "MiniCPM3ForCausalLM": Traits(tied=True),
    "MiniMaxM1ForCausalLM": Traits(False, False),
    "MiniMaxM2ForCausalLM": Traits(False, False, qk_norm="all"),
    "MiniMaxM3SparseForCausalLM": Traits(False, False, qk_norm="head"),
    "MolmoForCausalLM": Traits("qkv_bias", False),
    "MuseGlimmerForConditionalGeneration": Traits(norms=4),
    "NemotronHForCausalLM": Traits(gated=False, norms=1),
    "NemotronForCausalLM": Traits(gated=False, norm_bias=True),
    "Olmo2ForCausalLM": Traits(qk_norm="all"),
    "Olmo3ForCausalLM": Traits(qk_norm="all"),
    "OlmoeForCausalLM": Traits(qk_norm="all"),
    "PhiForCausalLM": Traits(True, True, True, gated=False, norms=1, norm_bias=True),
    "Phi3SmallForCausalLM": Traits(True, True, True, norm_bias=True, tied=True),
    "PhiMoEForCausalLM": Traits(norm_bias=True),
    "QWenLMHeadModel": _QWEN2,
    "Qwen2ForCausalLM": _QWEN2,
    "Qwen2MoeForCausalLM": _QWEN2,
    "Qwen3ForCausalLM": _QWEN3,
    "Qwen3MoeForCausalLM": _QWEN3,
    "Qwen3NextForCausalLM": _QWEN_NEXT,
    "Qwen3_5ForCausalLM": _QWEN_NEXT,
    "Qwen3_5MoeForCausalLM": _QWEN_NEXT,
    "SmolLM3ForCausalLM": Traits(tied=True),
    "StableLmForCausalLM": Traits("use_qkv_bias", False, False, norm_bias=True),
    "Starcoder2ForCausalLM": Traits(
        "use_bias", "use_bias", "use_bias", gated=False, norm_bias=True, tied=True
    ),
    **dict.fromkeys(
        (
            *("LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "Phi3ForCausalLM"),
            *("Ministral3ForCausalLM", "ExaoneForCausalLM", "GraniteForCausalLM"),
            *("GraniteMoeForCausalLM", "GraniteMoeHybridForCausalLM", "DeepseekForCausalLM"),
            *("DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM", "DeepseekV32ForCausalLM"),
            *("GlmMoeDsaForCausalLM", "Glm4MoeLiteForCausalLM", "Llama4ForCausalLM"),
            *("SeedOssForCausalLM", "OlmoForCausalLM", "SolarForCausalLM"),
        ),
        Traits(),
    ),
    "HunYuanMoEV1ForCausalLM": Traits(qk_norm="head"),
    "HunYuanDenseV1ForCausalLM": Traits(qk_norm="head"),
}


def holds(keys: ConfigKeys, trait: bool | str) -> bool:
    """Whether a trait is there: always, never, or as a key says."""
    return trait if isinstance(trait, bool) else keys.flag(trait)
