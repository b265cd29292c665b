"""What an estimate says: frozen facts for a renderer, sizes in bytes, None where unknown."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.memory.budget import Budget
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.kv.plan import KvGroup


@dataclass(frozen=True)
class LayerKind:
    """The layers of one kind.

    Attributes:
        kind: Its name (`full_attention`).
        count: How many layers.
        sizes: The fields of its description (`kv_heads`, `window`).
    """

    kind: str
    count: int
    sizes: dict[str, int | str]


@dataclass(frozen=True)
class ModelFacts:
    """The model, as a source described it."""

    name: str
    architecture: str
    source: str
    parameters: int | None
    context_length: int | None
    layers: tuple[LayerKind, ...]


@dataclass(frozen=True)
class EffectiveSettings:
    """The settings that the numbers hold for, defaults filled in."""

    max_model_len: int
    dtype: str
    kv_cache_dtype: str
    quantization: str | None
    tensor_parallel_size: int
    pipeline_parallel_size: int
    gpu_memory_utilization: float
    max_num_seqs: int
    max_num_batched_tokens: int
    block_size: int
    enforce_eager: bool


@dataclass(frozen=True)
class KvCacheSize:
    """What tokens and requests take; `per_gpu` is the most loaded GPU."""

    bytes_per_token: int
    bytes_per_token_per_gpu: int
    bytes_per_request: int
    bytes_per_request_per_gpu: int


@dataclass(frozen=True)
class Weights:
    """The weights; all None where neither files nor a formula tell them."""

    total_bytes: int | None
    bytes_per_gpu: int | None
    source: str | None


@dataclass(frozen=True)
class Capacity:
    """What a pool of known size holds, in vLLM's own terms.

    Attributes:
        pool_bytes: The pool on each GPU.
        tokens: vLLM's "GPU KV cache size".
        max_concurrency: Its "Maximum concurrency" at the longest request.
        num_blocks: Blocks of the pool.
        fits: Whether one longest request fits, so that vLLM starts.
        max_model_len_that_fits: The longest context with which it starts; 0 if none.
        tokens_low: The fewest tokens to expect; None where the pool was given.
        tokens_high: The most.
        overdrawn_bytes: What the GPU lacks for a pool that was given.
    """

    pool_bytes: int
    tokens: int
    max_concurrency: float
    num_blocks: int
    fits: bool
    max_model_len_that_fits: int
    tokens_low: int | None = None
    tokens_high: int | None = None
    overdrawn_bytes: int = 0


@dataclass(frozen=True)
class Suggestion:
    """A change of the settings, as flags, and what it would give."""

    change: str
    tokens: int
    max_concurrency: float


@dataclass(frozen=True)
class Term:
    """One number of the estimate with its formula filled in."""

    term: str
    formula: str
    size_bytes: int


@dataclass(frozen=True)
class ExactCheck:
    """Who planned under `--exact`, and whether the built-in rules say the same.

    Attributes:
        planner: The vLLM that was asked (`vLLM 0.32.0`).
        agrees: Whether the rules agree; None where they do not know the model.
        remark: That in a sentence, with the numbers where they differ.
    """

    planner: str
    agrees: bool | None
    remark: str


@dataclass(frozen=True)
class Estimate:
    """The answer of `mixvllm estimate-kv`.

    Attributes:
        model: The model.
        settings: What the numbers hold for.
        kv_cache: Bytes of a token and of a request.
        weights: Bytes of the weights.
        gpu: The GPU that was named, or None.
        gpu_count: How many of them the settings take.
        budget: The memory of the most loaded one; None where none is named.
        capacity: What the memory holds; None where none is known.
        groups: The groups of layers that share a block table.
        suggestions: Changes that hold more requests, the best first.
        explanation: How the numbers come about.
        vllm_version: The release whose rules were taken.
        notes: What is assumed or asked "what if".
        changes_needed: What vLLM refuses although it fits, and the flag that helps.
        exact: Who planned under `--exact`; None where the built-in rules did.
    """

    model: ModelFacts
    settings: EffectiveSettings
    kv_cache: KvCacheSize
    weights: Weights
    gpu: Gpu | None
    gpu_count: int
    budget: Budget | None
    capacity: Capacity | None
    groups: tuple[KvGroup, ...]
    suggestions: tuple[Suggestion, ...]
    explanation: tuple[Term, ...]
    vllm_version: str
    notes: tuple[str, ...] = ()
    changes_needed: tuple[str, ...] = ()
    exact: ExactCheck | None = None
