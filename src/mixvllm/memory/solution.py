"""What solving backwards finds: frozen facts for a renderer, None where unknown."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.memory.request import Load
from mixvllm.memory.unknowns import Unknown


@dataclass(frozen=True)
class Option:
    """One value of the unknown, judged.

    Attributes:
        value: It, in words (`L40S`, `4`, `fp8`).
        fits: Whether vLLM starts and holds the requests that are asked for.
        model: The model that is served.
        parameters: Its parameters.
        flags: What to add to the flags that were given; limits that vLLM needs included.
        gpu: The GPU, as `--gpu` takes it, or None where none is named.
        gpu_count: How many of them.
        gpu_bytes: The memory of one.
        max_model_len: Tokens of the longest request.
        at_once: Whole requests, as long as asked, that the memory holds.
        tokens: vLLM's "GPU KV cache size".
        max_concurrency: Its "Maximum concurrency".
        pool_bytes: The KV cache on each GPU.
        weights_bytes_per_gpu: The weights on the most loaded GPU.
        refusal: Why there are no numbers.
        needs: What must be there first (a checkpoint in this format).
    """

    value: str
    fits: bool
    model: str
    parameters: int | None = None
    flags: tuple[str, ...] = ()
    gpu: str | None = None
    gpu_count: int = 1
    gpu_bytes: int | None = None
    max_model_len: int | None = None
    at_once: int | None = None
    tokens: int | None = None
    max_concurrency: float | None = None
    pool_bytes: int | None = None
    weights_bytes_per_gpu: int | None = None
    refusal: str | None = None
    needs: str | None = None


@dataclass(frozen=True)
class Solution:
    """The answer of `estimate-kv --solve`.

    Attributes:
        unknown: What was looked for.
        concurrency: Requests that must run at once.
        load: The average request, or None where they are of full length.
        options: What was tried, in the order of the search; of lengths, for how many at once.
        answer: The first that does, or None.
        reason: Why there is none, with what comes nearest.
        vllm_version: The release whose rules were taken.
        notes: What is to be said with the answer.
    """

    unknown: Unknown
    concurrency: int
    load: Load | None
    options: tuple[Option, ...]
    answer: Option | None
    reason: str | None
    vllm_version: str
    notes: tuple[str, ...] = ()
