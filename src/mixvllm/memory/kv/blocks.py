"""How many tokens a block has: the backend's preference, and the alignment of hybrid models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from mixvllm.errors import EstimateError
from mixvllm.memory.dtypes import (
    ELEMENT_BYTES,
    PER_TENSOR,
    TURBOQUANT_BITS,
    key_value_bytes,
    latent_bytes,
)
from mixvllm.memory.kv.layer_cache import blocks
from mixvllm.memory.kv.recurrent_state import state_bytes
from mixvllm.memory.serving import Platform, ServingFacts, local_kv_heads
from mixvllm.models.description import (
    BlockSparse,
    ChunkedLocal,
    CompressedLatent,
    FullAttention,
    LatentAttention,
    ModelDescription,
    RecurrentState,
    SlidingWindow,
)


@dataclass(frozen=True)
class PlatformBlocks:
    """Block sizes of a platform's attention backends.

    Attributes:
        usual: The default for attention with heads.
        latent: The default for MLA.
        kernel: The smallest block that the kernels for heads take.
    """

    usual: int
    latent: int
    kernel: int


# CUDA: FlashAttention takes multiples of 16, FlashMLA 64 alone. CPU: with AMX; without it MLA
# takes 16, which a caller says with `backend_block_size`.
PLATFORM_BLOCKS: dict[Platform, PlatformBlocks] = {
    "cuda": PlatformBlocks(usual=16, latent=64, kernel=16),
    "cpu": PlatformBlocks(usual=128, latent=128, kernel=32),
}
# The MLA decode kernels want blocks that split into 128 tokens where states share the pool.
HYBRID_LATENT_ALIGNMENT = 128
# The only block size of DeepSeek-V4's kernels: 64 records of a compression by 4.
COMPRESSED_BLOCK = 256
STATES = get_args(RecurrentState)


@dataclass(frozen=True)
class BlockSizes:
    """Block sizes of a model as it is served.

    Attributes:
        attention: Tokens of an attention layer's block.
        state: Tokens that a state's block stands for.
        state_page_bytes: What states are stretched to, or None where they keep their size.
    """

    attention: int
    state: int
    state_page_bytes: int | None


def block_sizes(description: ModelDescription, serving: ServingFacts, dtype: str) -> BlockSizes:
    """The block sizes for this model.

    Args:
        description: The model.
        serving: The settings.
        dtype: The format of the KV cache, resolved.

    Raises:
        EstimateError: a block size that the platform's kernels do not take.
    """
    current = preferred_block_size(description, serving)
    states = [layer for layer in description.layers if isinstance(layer, STATES)]
    page = max((state_bytes(layer, description.dtype, serving) for layer in states), default=0)
    token = attention_token_bytes(description, serving, dtype)
    stretched = None
    if page and token:
        current = max(current, aligned_block_size(description, serving, current, page, token))
        stretched = current * token if current * token != page else None
    state = current if serving.enable_prefix_caching else serving.max_model_len
    return BlockSizes(current, state, stretched)


def is_latent(description: ModelDescription) -> bool:
    """Whether the attention layers are MLA."""
    return any(isinstance(layer, LatentAttention) for layer in description.layers)


def preferred_block_size(description: ModelDescription, serving: ServingFacts) -> int:
    """The user's block size, else the backend's, else the platform's usual one.

    Raises:
        EstimateError: a block size that the platform's kernels do not take.
    """
    platform = PLATFORM_BLOCKS[serving.platform]
    if (own := own_block_size(description, serving)) is not None:
        return own
    usual = platform.latent if is_latent(description) else platform.usual
    size = serving.block_size or serving.backend_block_size or usual
    if serving.block_size and size % 16:
        raise EstimateError(
            f"No attention backend takes a block size of {size} tokens.",
            hint="Write a multiple of 16, or leave it out.",
        )
    return size


def own_block_size(description: ModelDescription, serving: ServingFacts) -> int | None:
    """The block size of layers with kernels of their own: 256, or multiples of a sparse block.

    Raises:
        EstimateError: a block size that they do not take.
    """
    asked = serving.block_size
    if any(isinstance(layer, CompressedLatent) for layer in description.layers):
        if asked not in (None, COMPRESSED_BLOCK):
            raise EstimateError(
                f"{description.architecture} is served in blocks of {COMPRESSED_BLOCK} tokens "
                f"alone, not of {asked}."
            )
        return COMPRESSED_BLOCK
    sparse = {layer.sparse_block for layer in description.layers if isinstance(layer, BlockSparse)}
    if not sparse:
        return None
    step = max(sparse)
    if asked is not None and asked % step:
        raise EstimateError(
            f"{description.architecture} is served in blocks of whole {step} tokens, not of "
            f"{asked}."
        )
    return asked or step


def aligned_block_size(
    description: ModelDescription, serving: ServingFacts, current: int, page: int, token: int
) -> int:
    """The smallest block whose attention page holds a state.

    With `k` the larger of the kernels' smallest block and the current one, it is
    `k x ceil(page / (k x token))`, rounded up to a multiple of the kernels' smallest block.
    """
    latent = is_latent(description)
    kernel = PLATFORM_BLOCKS[serving.platform].kernel
    if latent:
        kernel = serving.backend_block_size or PLATFORM_BLOCKS[serving.platform].latent
    step = max(kernel, current, HYBRID_LATENT_ALIGNMENT if latent else 1)
    size = step * blocks(page, step * token)
    return kernel * blocks(size, kernel)


def attention_token_bytes(
    description: ModelDescription, serving: ServingFacts, dtype: str
) -> int | None:
    """Bytes of one token in one attention layer, as the alignment of hybrid models counts them.

    The model's own numbers of heads and sizes are taken, those of its first attention layer;
    None for a model without attention.
    """
    for layer in description.layers:
        if isinstance(layer, LatentAttention):
            return latent_bytes(layer.latent_size + layer.rope_size, dtype)
        if isinstance(layer, FullAttention | SlidingWindow | ChunkedLocal):
            heads = local_kv_heads(layer.kv_heads, serving)
            return heads * key_value_bytes(layer.key_size, layer.key_size, dtype)
    return None


# vLLM's class does not hand the cache's settings to its attention.
IGNORING_CACHE_FORMAT = frozenset({"FalconForCausalLM", "RWForCausalLM"})


def resolved_dtype(description: ModelDescription, serving: ServingFacts) -> str:
    """What the KV cache is stored in.

    A format that was asked for wins; `auto` follows the checkpoint's own KV scheme, and else is
    the model's number format, which Falcon has whatever is asked for. Sparse MLA stores every
    8-bit format in its packed records.

    Raises:
        EstimateError: a format that this model cannot have or whose layout is not modelled.
    """
    if description.architecture in IGNORING_CACHE_FORMAT:
        return description.dtype
    dtype = serving.kv_cache_dtype
    if dtype == "auto":
        dtype = description.kv_cache_dtype or description.dtype
    if any(isinstance(layer, BlockSparse) for layer in description.layers):
        return block_sparse_dtype(description, dtype)
    if any(isinstance(layer, CompressedLatent) for layer in description.layers):
        return compressed_dtype(description, serving.kv_cache_dtype)
    sparse = any(
        isinstance(layer, LatentAttention) and layer.indexer_size for layer in description.layers
    )
    if sparse and serving.sparse_records and dtype.startswith("fp8"):
        return "fp8_ds_mla"
    if dtype.endswith("_ds_mla") and not sparse:
        raise EstimateError(f"The KV cache dtype {dtype} is for sparse MLA alone.")
    hybrid = any(isinstance(layer, STATES) for layer in description.layers)
    if dtype in TURBOQUANT_BITS and not hybrid:
        raise EstimateError(
            f"The KV cache dtype {dtype} keeps some layers of {description.architecture} "
            "unquantized; that mixture is not modelled."
        )
    return dtype


def block_sparse_dtype(description: ModelDescription, dtype: str) -> str:
    """The format of block-sparse attention: 16 bits, or 8 with one scale a tensor.

    Raises:
        EstimateError: any other format.
    """
    if dtype in ELEMENT_BYTES or dtype in PER_TENSOR:
        return dtype
    raise EstimateError(
        f"The KV cache dtype {dtype} of {description.architecture} is not modelled; auto, "
        "bfloat16 and fp8 are."
    )


def compressed_dtype(description: ModelDescription, asked: str) -> str:
    """DeepSeek-V4's packed 8-bit records, whatever 8-bit format is asked for.

    Raises:
        EstimateError: a format that vLLM refuses on the backends that it chooses by itself.
    """
    if asked == "auto" or asked.startswith("fp8"):
        return "fp8_ds_mla"
    raise EstimateError(
        f"vLLM serves {description.architecture} with an 8-bit KV cache alone, not {asked}, unless "
        "another attention backend is chosen, which is not modelled."
    )
