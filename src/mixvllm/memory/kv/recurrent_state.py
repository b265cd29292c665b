"""Recurrent states (Mamba, delta rules, linear attention): constant per sequence.

A state is a page of its own size; vLLM stretches it to the attention layers' page, so that both
share one pool of blocks.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

from mixvllm.errors import EstimateError
from mixvllm.memory.dtypes import element_bytes
from mixvllm.memory.kv.layer_cache import CacheKind, LayerCache
from mixvllm.memory.serving import Request, ServingFacts, divided
from mixvllm.models.description import (
    GatedDeltaNet,
    KimiDelta,
    LinearAttention,
    Mamba1,
    Mamba2,
    RecurrentState,
    ShortConvolution,
)


@dataclass(frozen=True, kw_only=True)
class StateCache(LayerCache):
    """The state of one layer.

    Attributes:
        source: The layer's description, so that only equal layers share a block table.
        state_bytes: Bytes of one state.
        states_per_request: Blocks that a request holds, whatever its length.
    """

    kind: ClassVar[CacheKind] = "recurrent_state"

    source: RecurrentState
    state_bytes: int
    states_per_request: int

    @property
    def natural_page_bytes(self) -> int:
        """One state: the block's tokens do not matter."""
        return self.state_bytes

    @property
    def family(self) -> Hashable:
        """States of one page and number."""
        return (self.kind, self.page_bytes, self.states_per_request)

    def blocks_per_request(self, request: Request) -> int:
        """The states that a request keeps."""
        return self.states_per_request


def states_per_request(layer: RecurrentState, serving: ServingFacts) -> int:
    """Blocks of states that one request holds.

    Without prefix caching one, and one for each draft token. With it the state at the last
    block boundary is kept beside the running one; Mamba 2 exports one more in the middle of a
    prefill.

    Raises:
        EstimateError: prefix caching in a release whose number of states is not known.
    """
    if not serving.enable_prefix_caching:
        return 1 + serving.speculative_tokens
    if not serving.rules.aligned_states:
        raise EstimateError(
            f"How many states vLLM {serving.rules.name} keeps for a request under prefix caching "
            "is not modelled.",
            hint="Estimate with --no-enable-prefix-caching.",
        )
    checkpoints = isinstance(layer, Mamba2) and serving.rules.exports_checkpoints
    return 2 + serving.speculative_tokens + checkpoints


def state_bytes(layer: RecurrentState, dtype: str, serving: ServingFacts) -> int:
    """Bytes of one layer's state on one rank: the convolution's inputs and the recurrence."""
    convolution = "model" if serving.mamba_cache_dtype == "auto" else serving.mamba_cache_dtype
    short = element_bytes(dtype if convolution == "model" else convolution)
    return conv_elements(layer, serving) * short + recurrent_elements(
        layer, serving
    ) * element_bytes(recurrent_dtype(layer, dtype, serving))


def recurrent_dtype(layer: RecurrentState, dtype: str, serving: ServingFacts) -> str:
    """The number format of the recurrence: as asked for, else as the model says.

    Linear attention has one format for all its state. The CPU build keeps gated delta states
    in float32 unless told otherwise.
    """
    asked = serving.mamba_ssm_cache_dtype
    if isinstance(layer, LinearAttention):
        asked = serving.mamba_cache_dtype
    if asked != "auto":
        return asked
    if isinstance(layer, ShortConvolution):
        return dtype
    if serving.platform == "cpu" and isinstance(layer, GatedDeltaNet):
        return "float32"
    if layer.state_dtype == "float32":
        return "float32"
    return dtype if serving.mamba_cache_dtype == "auto" else serving.mamba_cache_dtype


def conv_elements(layer: RecurrentState, serving: ServingFacts) -> int:
    """Numbers that the short convolution keeps: its last inputs, one fewer than its width.

    Draft tokens lengthen them, save in Mamba 1.
    """
    drafts = 0 if isinstance(layer, Mamba1) else serving.speculative_tokens
    width = divided(conv_width(layer, serving), serving, "convolution channels")
    return (convolution_kernel(layer) - 1 + drafts) * width


def convolution_kernel(layer: RecurrentState) -> int:
    """Width of the short convolution; linear attention has none, which is a width of one."""
    return 1 if isinstance(layer, LinearAttention) else layer.conv_kernel


def conv_width(layer: RecurrentState, serving: ServingFacts) -> int:
    """Channels of the short convolution, over all ranks."""
    match layer:
        case Mamba1():
            return layer.inner_size
        case Mamba2():
            groups = replicated_groups(layer, serving)
            return layer.heads * layer.head_size + 2 * groups * layer.state_size
        case GatedDeltaNet():
            return 2 * layer.key_heads * layer.key_size + layer.value_heads * layer.value_size
        case KimiDelta():
            return 3 * layer.heads * layer.head_size
        case ShortConvolution():
            return layer.size
        case LinearAttention():
            return 0


def replicated_groups(layer: Mamba2, serving: ServingFacts) -> int:
    """Mamba 2's groups over all ranks: a single one is on every rank.

    Raises:
        EstimateError: several groups that the ranks do not divide; vLLM refuses them.
    """
    if layer.groups == 1:
        return serving.tensor_parallel_size
    return divided(layer.groups, serving, "state groups") * serving.tensor_parallel_size


def recurrent_elements(layer: RecurrentState, serving: ServingFacts) -> int:
    """Numbers of the recurrence: a matrix for each head on this rank."""
    match layer:
        case Mamba1():
            return divided(layer.inner_size, serving, "channels") * layer.state_size
        case Mamba2():
            heads = divided(layer.heads, serving, "state heads")
            return heads * layer.head_size * layer.state_size
        case GatedDeltaNet():
            heads = divided(layer.value_heads, serving, "value heads")
            return heads * layer.value_size * layer.key_size
        case KimiDelta() | LinearAttention():
            return divided(layer.heads, serving, "state heads") * layer.head_size**2
        case ShortConvolution():
            return 0
