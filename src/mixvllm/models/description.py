"""What a checkpoint is, as far as memory is concerned: its layers by kind, and its sizes.

Everything here is a fact of the model. What depends on how it is served (tensor parallelism, KV
dtype, block size) is worked out from it in `mixvllm.memory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FullAttention:
    """Keys and values of every token: MHA, GQA, MQA."""

    kv_heads: int
    key_size: int
    value_size: int


@dataclass(frozen=True)
class SlidingWindow:
    """Keys and values of the last `window` tokens."""

    kv_heads: int
    key_size: int
    value_size: int
    window: int


@dataclass(frozen=True)
class ChunkedLocal:
    """Keys and values of the tokens in the current chunk (Llama 4)."""

    kv_heads: int
    key_size: int
    value_size: int
    chunk: int


@dataclass(frozen=True)
class LatentAttention:
    """MLA: one compressed vector a token, of `latent_size + rope_size` elements, for all heads.

    Attributes:
        indexer_size: Elements of the sparse indexer's key (DeepSeek-V3.2, GLM-5), or None.
    """

    latent_size: int
    rope_size: int
    indexer_size: int | None = None


@dataclass(frozen=True)
class BlockSparse(FullAttention):
    """Full attention that reads chosen blocks (MiniMax-M3): an index key a token beside it.

    Attributes:
        index_size: Elements of the index key, one for all heads.
        sparse_block: Tokens of a block that is chosen as a whole.
    """

    index_size: int
    sparse_block: int


@dataclass(frozen=True)
class CompressedLatent:
    """DeepSeek-V4: the vectors of a window, and one vector for every `ratio` tokens.

    Attributes:
        size: Elements of a vector.
        window: Tokens of the window.
        ratio: Tokens that one compressed vector stands for; 1 for a layer with a window alone.
        output_groups: Groups that the way out is cut into; tensor parallelism divides them.
        indexer_size: Elements of the sparse indexer's key, compressed too, or None.
    """

    size: int
    window: int
    ratio: int
    output_groups: int
    indexer_size: int | None = None


@dataclass(frozen=True)
class CrossAttention:
    """Keys and values of the encoder's tokens, whatever the decoder's length."""

    kv_heads: int
    key_size: int
    value_size: int
    encoder_tokens: int


StateDtype = Literal["model", "float32"]


@dataclass(frozen=True)
class Mamba1:
    """Selective state space: constant per sequence."""

    inner_size: int
    state_size: int
    conv_kernel: int
    state_dtype: StateDtype = "model"


@dataclass(frozen=True)
class Mamba2:
    """State space with heads and groups: constant per sequence."""

    heads: int
    head_size: int
    groups: int
    state_size: int
    conv_kernel: int
    state_dtype: StateDtype = "model"


@dataclass(frozen=True)
class GatedDeltaNet:
    """Qwen3-Next, Qwen3.5 linear attention: constant per sequence."""

    key_heads: int
    key_size: int
    value_heads: int
    value_size: int
    conv_kernel: int
    state_dtype: StateDtype = "model"


@dataclass(frozen=True)
class KimiDelta:
    """Kimi linear attention (KDA): constant per sequence."""

    heads: int
    head_size: int
    conv_kernel: int
    state_dtype: StateDtype = "float32"


@dataclass(frozen=True)
class ShortConvolution:
    """LFM2's gated convolution: the last few tokens' inputs."""

    size: int
    conv_kernel: int


@dataclass(frozen=True)
class LinearAttention:
    """MiniMax-01 lightning attention: one square state a head."""

    heads: int
    head_size: int
    state_dtype: StateDtype = "float32"


@dataclass(frozen=True)
class SharedCache:
    """Attention that reads another layer's cache and has none of its own (Gemma 3n, 4)."""


@dataclass(frozen=True)
class NoCache:
    """A layer without attention or state: MLP, MoE, no-op."""


RecurrentState = Mamba1 | Mamba2 | GatedDeltaNet | KimiDelta | ShortConvolution | LinearAttention
Layer = (
    FullAttention
    | SlidingWindow
    | ChunkedLocal
    | LatentAttention
    | BlockSparse
    | CompressedLatent
    | CrossAttention
    | RecurrentState
    | SharedCache
    | NoCache
)


@dataclass(frozen=True)
class ModelDescription:
    """A model.

    Attributes:
        name: How the user named it.
        architecture: The class name in `architectures` (`LlamaForCausalLM`).
        model_type: The `model_type` of the language part.
        layers: The decoder's layers in their order, a hybrid layer with attention and state as
            one entry for each.
        context_length: The longest context in tokens that the config allows; None if unknown.
        dtype: The number format that vLLM would choose under `auto`.
        attention_heads: Query heads (for divisibility by tensor parallelism).
        hidden_size: Width of the residual stream.
        vocab_size: Rows of the embedding.
        quantization: The checkpoint's method as vLLM names it, or None.
        kv_cache_dtype: What `--kv-cache-dtype auto` means for this checkpoint when that is not
            the model's dtype (`fp8`, `nvfp4`), else None.
        parameters: Number of parameters, or None if unknown.
        is_multimodal: Whether it has an encoder for images, audio or video.
        is_moe: Whether it has routed experts.
        default_length: The context that vLLM takes when none is asked for, where the config tells
            (LongRoPE: the length before scaling, not `context_length`).
        has_own_config_code: Whether its files bring the code that reads its config (`auto_map`),
            which runs only under `trust_remote_code`.
        served_until: The last release of vLLM that served this architecture; None while one does.
    """

    name: str
    architecture: str
    model_type: str
    layers: tuple[Layer, ...]
    context_length: int | None
    dtype: str
    attention_heads: int
    hidden_size: int
    vocab_size: int
    quantization: str | None = None
    kv_cache_dtype: str | None = None
    parameters: int | None = None
    is_multimodal: bool = False
    is_moe: bool = False
    default_length: int | None = None
    served_until: str | None = None
    has_own_config_code: bool = False
