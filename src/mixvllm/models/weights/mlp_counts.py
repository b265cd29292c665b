"""Parameters of the MLPs: which layers have experts, and how wide everything is."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.weights.traits import Traits, holds

# DeepSeek's router has a bias per expert that balances their load; so have those after it.
ROUTER_BIAS = frozenset(
    {
        "DeepseekV3ForCausalLM",
        "DeepseekV32ForCausalLM",
        "DeepseekV4ForCausalLM",
        "GlmMoeDsaForCausalLM",
        "Glm4MoeForCausalLM",
        "Glm4MoeLiteForCausalLM",
        "GptOssForCausalLM",
        "LagunaForCausalLM",
        "MiMoV2FlashForCausalLM",
        "MiniMaxM2ForCausalLM",
        "MiniMaxM3SparseForCausalLM",
        "NemotronHForCausalLM",
    }
)
QWEN_MOE = frozenset(
    {
        "Qwen2MoeForCausalLM",
        "Qwen3NextForCausalLM",
        "Qwen3_5MoeForCausalLM",
    }
)


@dataclass(frozen=True)
class MlpCounts:
    """Parameters of one layer's MLP; `copied` is what ranks do not divide beside the router."""

    dense: int = 0
    experts: int = 0
    routers: int = 0
    copied: int = 0


def expert_count(keys: ConfigKeys) -> int:
    """Routed experts of a layer that has them; 0 for a dense model."""
    names = ("num_experts", "num_local_experts", "n_routed_experts")
    return max(keys.whole_or_none(name, least=0) or 0 for name in names)


def layers_with_experts(keys: ConfigKeys, count: int) -> list[bool]:
    """For each layer whether its MLP is a choice of experts."""
    if expert_count(keys) <= 1:
        return [False] * count
    if types := keys.per_layer_texts("mlp_layer_types", count):
        return [name == "sparse" for name in types]
    if isinstance(keys.get("moe_layer_freq"), list):
        return [mark == 1 for mark in keys.per_layer_wholes("moe_layer_freq", count) or ()]
    return [_by_step(keys, index) for index in range(count)]


def _by_step(keys: ConfigKeys, index: int) -> bool:
    if index in (keys.wholes("mlp_only_layers") or ()):
        return False
    if (first := keys.whole_or_none("first_k_dense_replace", least=0)) is not None:
        return index >= first and index % (keys.whole_or_none("moe_layer_freq") or 1) == 0
    if (period := keys.whole_or_none("expert_layer_period")) is not None:
        return index % period == (keys.whole_or_none("expert_layer_offset", least=0) or 0)
    step = keys.whole_or_none("decoder_sparse_step") or keys.whole_or_none(
        "interleave_moe_layer_step"
    )
    return (index + 1) % (step or 1) == 0


def dense_count(keys: ConfigKeys, traits: Traits, width: int) -> int:
    """One MLP of this inner width."""
    hidden = keys.whole("hidden_size")
    count = hidden * width * (3 if traits.gated else 2)
    if holds(keys, traits.mlp_bias):
        count += hidden + width * (2 if traits.gated else 1)
    return count


def inner_width(keys: ConfigKeys, architecture: str) -> int:
    """The inner width of a dense layer's MLP."""
    width = keys.whole_or_none("dense_intermediate_size") or keys.whole_or_none("intermediate_size")
    if width is None:
        return 4 * keys.whole("hidden_size")
    if architecture in ("QWenLMHeadModel", "MolmoForCausalLM"):
        return width // 2
    if architecture == "Llama4ForCausalLM":
        return keys.whole_or_none("intermediate_size_mlp") or width
    return width


def moe_counts(keys: ConfigKeys, architecture: str, traits: Traits) -> MlpCounts:
    """The MLP of one layer with experts."""
    hidden, experts = keys.whole("hidden_size"), expert_count(keys)
    width = _expert_width(keys)
    latent = keys.whole_or_none("moe_latent_size")
    matrices = 3 if traits.gated else 2
    each = matrices * (latent or hidden) * width
    if architecture == "GptOssForCausalLM":
        each += 2 * width + hidden
    routers = experts * hidden + (experts if architecture in ROUTER_BIAS else 0)
    shared = matrices * hidden * _shared_width(keys, architecture, width)
    if architecture in QWEN_MOE:
        shared += hidden
    # The ways to the experts' own width and back.
    copied = 2 * hidden * latent if latent else 0
    return MlpCounts(shared, experts * each, routers, copied)


def _expert_width(keys: ConfigKeys) -> int:
    value = keys.get("moe_intermediate_size")
    if isinstance(value, list):
        return max(keys.wholes("moe_intermediate_size") or (1,))
    return keys.whole_or_none("moe_intermediate_size") or keys.whole("intermediate_size")


def _shared_width(keys: ConfigKeys, architecture: str, width: int) -> int:
    if architecture == "Llama4ForCausalLM":
        return width
    for name in (
        "moe_shared_expert_intermediate_size",
        "shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
    ):
        if (own := keys.whole_or_none(name, least=0)) is not None:
            return own
    value = keys.get("num_shared_expert")
    many = keys.wholes("num_shared_expert") if isinstance(value, list) else None
    number = max(many) if many else keys.whole_or_none("num_shared_expert", least=0)
    number = number or keys.whole_or_none("n_shared_experts", least=0) or 0
    return number * width
