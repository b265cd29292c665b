"""Layers of latent attention (MLA), with or without a sparse indexer."""

from __future__ import annotations

from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import FullAttention, LatentAttention, Layer
from mixvllm.models.layers.attention import full_layer


def deepseek(keys: ConfigKeys) -> tuple[Layer, ...]:
    """DeepSeek V2 and V3, Kimi K2, GLM-4.7-Flash; plain attention without a latent size."""
    layer: Layer = latent_layer(keys) if keys.whole_or_none("kv_lora_rank") else full_layer(keys)
    return (layer,) * keys.layer_count()


def latent_layer(keys: ConfigKeys) -> LatentAttention:
    """One layer of latent attention."""
    return LatentAttention(
        keys.whole("kv_lora_rank"), keys.whole_or_none("qk_rope_head_dim", least=0) or 0
    )


def with_indexer(keys: ConfigKeys) -> tuple[Layer, ...]:
    """DeepSeek-V3.2 and GLM-5: layers that take another layer's choice have no indexer."""
    plain = latent_layer(keys)
    indexed = LatentAttention(plain.latent_size, plain.rope_size, keys.whole("index_head_dim"))
    return tuple(
        plain if takes_anothers_choice(keys, index) else indexed
        for index in range(keys.layer_count())
    )


def takes_anothers_choice(keys: ConfigKeys, index: int) -> bool:
    """Whether a layer reuses the tokens that an earlier layer's indexer chose."""
    pattern = keys.get("index_topk_pattern")
    if isinstance(pattern, str | list | tuple):
        return index < len(pattern) and pattern[index] == "S"
    every = keys.whole_or_none("index_topk_freq") or 1
    offset = keys.whole_or_none("index_skip_topk_offset", least=0)
    return max(index - (2 if offset is None else offset) + 1, 0) % every != 0


def minicpm3(keys: ConfigKeys) -> tuple[Layer, ...]:
    """MiniCPM3 projects to a latent, but vLLM caches the heads that it expands to."""
    size = keys.whole("qk_nope_head_dim") + keys.whole("qk_rope_head_dim")
    heads = keys.whole("num_attention_heads")
    return (FullAttention(heads, size, size),) * keys.layer_count()
