"""From a model's layers to the caches that one rank keeps for them."""

from __future__ import annotations

from mixvllm.errors import EstimateError
from mixvllm.memory.dtypes import key_value_bytes
from mixvllm.memory.kv.blocks import BlockSizes
from mixvllm.memory.kv.chunked_local import ChunkedLocalCache
from mixvllm.memory.kv.compressed_latent import compressed_caches
from mixvllm.memory.kv.cross_attention import CrossAttentionCache
from mixvllm.memory.kv.full_attention import FullAttentionCache
from mixvllm.memory.kv.latent_attention import IndexCache, LatentCache, PlainIndexCache
from mixvllm.memory.kv.layer_cache import Heads, LayerCache
from mixvllm.memory.kv.recurrent_state import StateCache, state_bytes, states_per_request
from mixvllm.memory.kv.sliding_window import SlidingWindowCache
from mixvllm.memory.serving import ServingFacts, divided, local_kv_heads
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
    RecurrentState,
    SharedCache,
    ShortConvolution,
    SlidingWindow,
)

# A decoder layer of these has attention and a state, which the description has as two entries.
PARALLEL_HYBRIDS = frozenset({"FalconH1ForCausalLM"})

Stage = tuple[LayerCache, ...]


def stage_caches(
    description: ModelDescription, serving: ServingFacts, sizes: BlockSizes, dtype: str
) -> tuple[Stage, ...]:
    """The caches of each pipeline stage, in the order of the layers; drafts are on the last.

    Raises:
        EstimateError: the layers cannot be split as asked.
    """
    stages = []
    first, each = 0, entries_each(description)
    for count in stage_layers(description, serving):
        stages.append(description.layers[first : first + count * each])
        first += count * each
    stages[-1] = (*stages[-1], *serving.draft_layers)
    of_layer = {
        layer: layer_caches(layer, description, serving, sizes, dtype)
        for layer in dict.fromkeys(layer for stage in stages for layer in stage)
    }
    return tuple(tuple(cache for layer in stage for cache in of_layer[layer]) for stage in stages)


def entries_each(description: ModelDescription) -> int:
    """How many of the description's entries are one decoder layer."""
    return 2 if description.architecture in PARALLEL_HYBRIDS else 1


def stage_layers(description: ModelDescription, serving: ServingFacts) -> tuple[int, ...]:
    """Decoder layers of each stage: evenly, the rest to the last stages but one, backwards.

    Raises:
        EstimateError: a partition that does not fit, or layers that cannot be counted.
    """
    total = len(description.layers) // entries_each(description)
    stages = serving.pipeline_parallel_size
    if stages > 1 and any(isinstance(layer, CrossAttention) for layer in description.layers):
        raise EstimateError(
            f"Pipeline parallelism of {description.architecture} is not modelled: its decoder "
            "attends to an encoder."
        )
    if serving.pipeline_partition is not None:
        if len(serving.pipeline_partition) != stages or sum(serving.pipeline_partition) != total:
            raise EstimateError(
                f"The partition {serving.pipeline_partition} does not share {total} layers among "
                f"{stages} stages."
            )
        return serving.pipeline_partition
    if stages > total:
        raise EstimateError(f"{total} layers cannot be shared among {stages} pipeline stages.")
    even, rest = divmod(total, stages)
    return tuple(even + (stages - 1 - rest <= stage < stages - 1) for stage in range(stages))


def check_heads(description: ModelDescription, serving: ServingFacts) -> None:
    """Refuse what vLLM refuses before it loads: heads that do not divide, impossible DCP.

    Raises:
        EstimateError: names the numbers that do not go together.
    """
    heads, ranks = description.attention_heads, serving.tensor_parallel_size
    if heads % ranks:
        counts = [str(count) for count in range(1, heads + 1) if heads % count == 0]
        raise EstimateError(
            f"{heads} attention heads cannot be divided over {ranks} tensor-parallel ranks.",
            hint=f"Numbers that divide them: {', '.join(counts)}.",
            code="tensor-parallel-size",
        )
    shared = serving.decode_context_parallel_size
    if shared == 1:
        return
    if ranks % shared:
        raise EstimateError(
            f"Decode context parallelism of {shared} does not divide {ranks} tensor-parallel ranks."
        )
    for layer in description.layers:
        if isinstance(layer, BlockSparse | CompressedLatent):
            raise EstimateError(
                f"Decode context parallelism of {description.architecture} is not modelled."
            )
        if isinstance(layer, FullAttention) and shared > ranks // layer.kv_heads:
            raise EstimateError(
                f"Decode context parallelism of {shared} needs at least {shared} ranks for each "
                f"KV head; there are {ranks} ranks for {layer.kv_heads} heads."
            )


def layer_caches(
    layer: Layer,
    description: ModelDescription,
    serving: ServingFacts,
    sizes: BlockSizes,
    dtype: str,
) -> tuple[LayerCache, ...]:
    """The caches of one layer on one rank; a layer without one has none.

    Raises:
        EstimateError: its sizes do not divide, or its format is not known.
    """
    match layer:
        case BlockSparse():
            index = PlainIndexCache(block_size=sizes.attention, size=layer.index_size)
            return (head_cache(layer, serving, sizes, dtype), index)
        case FullAttention() | SlidingWindow() | ChunkedLocal() | CrossAttention():
            return (head_cache(layer, serving, sizes, dtype),)
        case CompressedLatent():
            divided(layer.output_groups, serving, "groups of the attention's way out")
            return compressed_caches(layer, sizes.attention)
        case LatentAttention():
            return latent_caches(layer, sizes, dtype)
        case (
            Mamba1()
            | Mamba2()
            | GatedDeltaNet()
            | KimiDelta()
            | ShortConvolution()
            | LinearAttention()
        ):
            return (state_cache(layer, description.dtype, serving, sizes),)
        case SharedCache() | NoCache():
            return ()


def head_cache(
    layer: FullAttention | SlidingWindow | ChunkedLocal | CrossAttention,
    serving: ServingFacts,
    sizes: BlockSizes,
    dtype: str,
) -> LayerCache:
    """The cache of a layer with KV heads."""
    size = sizes.attention
    heads = Heads(
        count=local_kv_heads(layer.kv_heads, serving),
        key_size=layer.key_size,
        value_size=layer.value_size,
        dtype=dtype,
        bytes_each=key_value_bytes(layer.key_size, layer.value_size, dtype),
    )
    match layer:
        case FullAttention():
            return FullAttentionCache(block_size=size, heads=heads)
        case SlidingWindow():
            return SlidingWindowCache(block_size=size, heads=heads, window=layer.window)
        case ChunkedLocal():
            return ChunkedLocalCache(block_size=size, heads=heads, chunk=layer.chunk)
        case CrossAttention():
            # vLLM reserves for as many encoder tokens as a batch may have, not for the
            # encoder's own length.
            tokens = serving.max_num_batched_tokens
            return CrossAttentionCache(block_size=size, heads=heads, encoder_tokens=tokens)


def latent_caches(layer: LatentAttention, sizes: BlockSizes, dtype: str) -> tuple[LayerCache, ...]:
    """The cache of an MLA layer, and that of its indexer if it has one."""
    latent = LatentCache(
        block_size=sizes.attention,
        size=layer.latent_size + layer.rope_size,
        dtype=dtype,
        leads_index=layer.indexer_size is not None,
    )
    if layer.indexer_size is None:
        return (latent,)
    return (latent, IndexCache(block_size=sizes.attention, size=layer.indexer_size))


def state_cache(
    layer: RecurrentState, dtype: str, serving: ServingFacts, sizes: BlockSizes
) -> StateCache:
    """The state of a recurrent layer, stretched to the attention layers' page."""
    return StateCache(
        block_size=sizes.state,
        padded_page_bytes=sizes.state_page_bytes,
        source=layer,
        state_bytes=state_bytes(layer, dtype, serving),
        states_per_request=states_per_request(layer, serving),
    )
