"""What an estimate says: frozen facts for a renderer, sizes in bytes, None where unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mixvllm.memory.budget import Budget
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.kv.planned_cache import KvGroup
from mixvllm.memory.measured import Measurement
from mixvllm.memory.request import Load


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
        fits_low: Whether it fits even with the least memory to expect; None as above.
        fits_high: Whether it fits with the most.
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
    fits_low: bool | None = None
    fits_high: bool | None = None


@dataclass(frozen=True)
class AtOnce:
    """How many requests of one length run together, none of them preempted.

    Attributes:
        tokens: Tokens of each.
        blocks_per_request: Blocks of each.
        bytes_per_request_per_gpu: Bytes of each on the most loaded GPU.
        by_memory: Whole requests that the pool holds; None where none is known.
        by_memory_low: The fewest to expect; None where the pool was given.
        by_memory_high: The most.
        max_num_seqs: As many as vLLM schedules together.
    """

    tokens: int
    blocks_per_request: int
    bytes_per_request_per_gpu: int
    by_memory: int | None
    by_memory_low: int | None
    by_memory_high: int | None
    max_num_seqs: int

    @property
    def count(self) -> int | None:
        """How many run."""
        return None if self.by_memory is None else min(self.by_memory, self.max_num_seqs)

    @property
    def limited_by(self) -> Literal["memory", "max_num_seqs"] | None:
        """What keeps more from running."""
        if self.by_memory is None:
            return None
        return "memory" if self.by_memory <= self.max_num_seqs else "max_num_seqs"


@dataclass(frozen=True)
class Question:
    """`--concurrency N`: whether so many requests run at once.

    Attributes:
        concurrency: How many are asked for.
        tokens: Tokens of each: of the load, or of the longest.
        needed_bytes: The smallest pool on each GPU that holds them.
        fits: Whether they do; None where the memory is not known.
        pool_bytes: The pool that is left on each GPU where so many are scheduled.
        at_once: Whole requests that it holds.
        longest: The most tokens that so many may have each; 0 if none.
        flags: What lets vLLM schedule so many, where its limits are lower.
    """

    concurrency: int
    tokens: int
    needed_bytes: int
    fits: bool | None
    pool_bytes: int | None
    at_once: int | None
    longest: int | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """A change of the settings, as flags, and what it would give.

    Attributes:
        change: The flags.
        tokens: vLLM's "GPU KV cache size" with them.
        max_concurrency: Its "Maximum concurrency".
        at_once: Whole requests of the length that is asked for.
        gpu_count: GPUs of one copy of the model.
    """

    change: str
    tokens: int
    max_concurrency: float
    at_once: int
    gpu_count: int


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
        measured: The start-up of this machine that the budget is taken from; None where the
            budget is estimated.
        changes_needed: What vLLM refuses although it fits, and the flag that helps.
        question: What `--concurrency` asks, or None.
        load: The average request, or None where none is given.
        load_at_once: How many of it run together.
        full_at_once: How many of full length do.
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
    measured: Measurement | None = None
    question: Question | None = None
    load: Load | None = None
    load_at_once: AtOnce | None = None
    full_at_once: AtOnce | None = None
    exact: ExactCheck | None = None

    @property
    def fits(self) -> bool | None:
        """Whether vLLM starts and runs what is asked for; None where the memory is not known."""
        if self.capacity is None:
            return None
        return self.capacity.fits and (self.question is None or bool(self.question.fits))
