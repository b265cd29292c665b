"""The number of parameters from a config alone, by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mixvllm.models.architecture_names import WITH_ENCODER
from mixvllm.models.config_keys import ConfigKeys
from mixvllm.models.description import (
    BlockSparse,
    ChunkedLocal,
    CompressedLatent,
    CrossAttention,
    FullAttention,
    LatentAttention,
    Layer,
    NoCache,
    SlidingWindow,
)
from mixvllm.models.from_config import architecture_of, family_and_keys, family_name
from mixvllm.models.weights.encoder_counts import EncoderCount, encoder_count
from mixvllm.models.weights.groups import LayerShares, WeightGroup
from mixvllm.models.weights.layer_counts import (
    attention_count,
    compressed_count,
    index_query_width,
    kv_projection_count,
    latent_count,
    shared_compressed_count,
    shared_latent_count,
    state_count,
    unquantized_compressed_count,
)
from mixvllm.models.weights.layer_shares import layer_shares
from mixvllm.models.weights.mlp_counts import (
    MlpCounts,
    dense_count,
    inner_width,
    layers_with_experts,
    moe_counts,
)
from mixvllm.models.weights.traits import TRAITS, Traits, holds

SEARCHED = "DeciLMForCausalLM"
# It has the weights of latent attention, though vLLM caches the heads that they expand to.
EXPANDED = "MiniCPM3ForCausalLM"


@dataclass(frozen=True)
class ParameterCounts:
    """A model's parameters, without draft layers.

    Attributes:
        groups: Parameters by group.
        kv_projections: Of `attention`, what ranks copy when they outnumber the KV heads.
        layer_shares: As `WeightFacts` has them.
    """

    groups: Mapping[WeightGroup, int]
    kv_projections: int
    layer_shares: LayerShares | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.groups.values())


def count_parameters(config: Mapping[str, object]) -> ParameterCounts | None:
    """Count a model's parameters; None where no formula for all of it is known here.

    Raises:
        ModelError: the config is broken or of an unknown architecture.
    """
    root = ConfigKeys(config)
    architecture = architecture_of(root)
    family, keys = family_and_keys(root, architecture)
    inner = family_name(root, architecture)
    traits = TRAITS.get(inner)
    if traits is None:
        return None
    layers = family.layers(keys)
    mixers = [_mixer(keys, inner, traits, layer, index) for index, layer in enumerate(layers)]
    if any(mixer is None for mixer in mixers):
        return None
    encoder = EncoderCount(0, 0)
    if architecture in WITH_ENCODER:
        known = encoder_count(root, architecture, keys.whole("hidden_size"))
        if known is None:
            return None
        encoder = known
    mlps = _mlps(keys, inner, traits, layers)
    vocab = keys.whole("vocab_size") * keys.whole("hidden_size")
    positions = keys.whole(traits.positions) * keys.whole("hidden_size") if traits.positions else 0
    tied = is_tied(root, keys, inner)
    groups: dict[WeightGroup, int] = {
        "embeddings": vocab,
        "lm_head": 0 if tied else vocab + _head_bias(keys, inner),
        "attention": sum(count for kind, count in filter(None, mixers) if kind == "attention"),
        "latent": sum(_shared_latent(keys, inner, layer) for layer in layers),
        "recurrent": sum(count for kind, count in filter(None, mixers) if kind == "recurrent"),
        "mlp": sum(mlp.dense for mlp in mlps),
        "experts": sum(mlp.experts for mlp in mlps),
        "routers": sum(mlp.routers for mlp in mlps),
        "norms": _norms(keys, inner, traits, layers),
        "copied": sum(mlp.copied for mlp in mlps),
        "inputs": positions + encoder.whole,
        "encoder": encoder.total - encoder.whole,
    }
    copied = 0 if inner == EXPANDED else sum(kv_projection_count(keys, layer) for layer in layers)
    return ParameterCounts(groups, copied, _shares(keys, mixers, mlps))


def _shares(
    keys: ConfigKeys,
    mixers: Sequence[tuple[WeightGroup, int] | None],
    mlps: Sequence[MlpCounts],
) -> LayerShares | None:
    count = keys.layer_count()
    sizes: dict[WeightGroup, list[int]] = {
        "mlp": [mlp.dense for mlp in mlps],
        "experts": [mlp.experts for mlp in mlps],
        "routers": [mlp.routers for mlp in mlps],
        "copied": [mlp.copied for mlp in mlps],
    }
    kinds: tuple[WeightGroup, ...] = ("attention", "recurrent")
    for kind in kinds:
        sizes[kind] = [size if name == kind else 0 for name, size in filter(None, mixers)]
    return layer_shares(sizes, count)


def _mixer(
    keys: ConfigKeys, architecture: str, traits: Traits, layer: Layer, index: int
) -> tuple[WeightGroup, int] | None:
    match layer:
        case NoCache():
            return "attention", 0
        case LatentAttention():
            return "attention", latent_count(keys)
        case CompressedLatent():
            return "attention", compressed_count(keys, layer)
        case FullAttention() if architecture == EXPANDED:
            return "attention", latent_count(keys)
        case FullAttention() | SlidingWindow() | ChunkedLocal() | CrossAttention():
            heads = _query_heads(keys, layer, index)
            extra = _attention_extra(keys, architecture, layer, heads)
            return "attention", attention_count(keys, traits, layer, heads) + extra
        case _:
            count = state_count(keys, architecture, layer)
            return None if count is None else ("recurrent", count)


def _shared_latent(keys: ConfigKeys, architecture: str, layer: Layer) -> int:
    if isinstance(layer, LatentAttention):
        return shared_latent_count(keys, layer.indexer_size)
    if isinstance(layer, CompressedLatent):
        return shared_compressed_count(keys, layer)
    if isinstance(layer, BlockSparse):
        return keys.whole("hidden_size") * layer.index_size + 2 * layer.index_size
    return shared_latent_count(keys, None) if architecture == EXPANDED else 0


def _query_heads(keys: ConfigKeys, layer: Layer, index: int) -> int:
    per_layer = keys.wholes("num_attention_heads_per_layer")
    if per_layer and index < len(per_layer):
        return per_layer[index]
    own = keys.whole_or_none("swa_num_attention_heads")
    if own and isinstance(layer, SlidingWindow):
        return own
    return keys.whole("num_attention_heads")


def _attention_extra(keys: ConfigKeys, architecture: str, layer: Layer, heads: int) -> int:
    """Sinks and gates that single architectures have."""
    hidden = keys.whole("hidden_size")
    if isinstance(layer, BlockSparse):
        return hidden * index_query_width(keys, layer)
    if architecture == "GptOssForCausalLM":
        return heads
    if architecture == "LagunaForCausalLM" and keys.text("gating"):
        return heads * hidden
    if architecture == "MuseGlimmerForConditionalGeneration":
        return heads * hidden * keys.whole("head_dim")
    if architecture == "MiMoV2FlashForCausalLM" and isinstance(layer, SlidingWindow):
        return heads if keys.flag("add_swa_attention_sink_bias") else 0
    return 0


def _mlps(
    keys: ConfigKeys, architecture: str, traits: Traits, layers: tuple[Layer, ...]
) -> list[MlpCounts]:
    count = keys.layer_count()
    if architecture == "NemotronHForCausalLM":
        return _nemotron_h_mlps(keys, traits)
    if architecture == SEARCHED:
        return [MlpCounts(width) for width in _searched_mlps(keys, traits)]
    if architecture == "GraniteMoeHybridForCausalLM" and not keys.whole_or_none(
        "num_local_experts", least=0
    ):
        width = keys.whole_or_none("shared_intermediate_size") or 1024
        return [MlpCounts(dense_count(keys, traits, width))] * count
    dense = MlpCounts(dense_count(keys, traits, inner_width(keys, architecture)))
    marks = layers_with_experts(keys, count)
    with_experts = moe_counts(keys, architecture, traits) if any(marks) else dense
    if architecture == "Gemma4ForCausalLM" and any(marks):
        # Its experts stand beside a dense MLP, and a scale per expert and channel with them.
        extra = expert_number(keys) + keys.whole("hidden_size")
        with_experts = MlpCounts(dense.dense, with_experts.experts, with_experts.routers + extra)
    return [with_experts if mark else dense for mark in marks]


def expert_number(keys: ConfigKeys) -> int:
    """Routed experts a layer."""
    return keys.whole("num_experts")


def _nemotron_h_mlps(keys: ConfigKeys, traits: Traits) -> list[MlpCounts]:
    kinds = keys.text("hybrid_override_pattern") or ""
    names = tuple(kinds) or keys.texts("layers_block_type") or ()
    dense = MlpCounts(dense_count(keys, traits, keys.whole("intermediate_size")))
    has_experts = bool(keys.whole_or_none("n_routed_experts", least=0))
    experts = moe_counts(keys, "NemotronHForCausalLM", traits) if has_experts else dense
    by_name = {"-": dense, "mlp": dense, "E": experts, "moe": experts}
    return [by_name.get(name, MlpCounts()) for name in names]


def _searched_mlps(keys: ConfigKeys, traits: Traits) -> list[int]:
    """Nemotron out of a search: each block's own multiple of the hidden size, in 256s."""
    counts = []
    hidden = keys.whole("hidden_size")
    for block in keys.sections("block_configs") or ():
        ffn = block.section("ffn")
        factor = ffn.number("ffn_mult") if ffn is not None else None
        if ffn is None or ffn.flag("no_op") or factor is None:
            continue
        width = int(2 * factor * hidden / 3)
        counts.append(dense_count(keys, traits, -(-width // 256) * 256))
    return counts


def _norms(keys: ConfigKeys, architecture: str, traits: Traits, layers: tuple[Layer, ...]) -> int:
    each = keys.whole("hidden_size") * (2 if traits.norm_bias else 1)
    per_layer = traits.norms
    if architecture == "Gemma4ForCausalLM" and keys.whole_or_none("num_experts", least=0):
        per_layer += 3
    absent = 0
    if architecture == SEARCHED:
        absent = sum(isinstance(layer, NoCache) for layer in layers)
    unquantized = sum(
        unquantized_compressed_count(keys, layer)
        for layer in layers
        if isinstance(layer, CompressedLatent)
    )
    return each * (per_layer * keys.layer_count() + 1 - absent) + unquantized


def _head_bias(keys: ConfigKeys, architecture: str) -> int:
    has_bias = architecture == "PhiForCausalLM" or (
        architecture == "PhiMoEForCausalLM" and holds(keys, "lm_head_bias")
    )
    return keys.whole("vocab_size") if has_bias else 0


def is_tied(root: ConfigKeys, keys: ConfigKeys, architecture: str) -> bool:
    """Whether the output shares the embedding: by the config, else by its class."""
    for section in (keys, root):
        if section.get("tie_word_embeddings") is not None:
            return section.flag("tie_word_embeddings")
    traits = TRAITS.get(architecture)
    return traits is not None and traits.tied
