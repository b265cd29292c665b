"""What an upgrade of vLLM changes for one model: its releases taken one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from mixvllm.errors import EstimateError
from mixvllm.memory.defaults import LARGEST_TIER_SINCE
from mixvllm.memory.overheads import LEAN_SAMPLER_SINCE, SINGLE_GPU_SINCE
from mixvllm.memory.planned import planned
from mixvllm.memory.request import EstimateRequest, as_asked
from mixvllm.memory.rules import RELEASES, TOKENS_FROM_CONCURRENCY_SINCE, Rules
from mixvllm.memory.what_if import weights_as_asked
from mixvllm.models.description import ModelDescription
from mixvllm.models.weights.groups import WeightFacts

# What each rule means for the numbers. Two move none here: `default_utilization_percent`, because
# the share of the memory is a setting of ours, and `sparse_layers`, without which there are none.
MEANINGS = {
    "counts_concurrent_batches": "windows keep the tokens of every batch in flight, not of one",
    "tokens_from_concurrency": "the printed size is the concurrency times the length",
    "reserves_null_block": "the check of the fit leaves out the block that is never lent",
    "windows_in_chunks": "chunked local attention keeps no more than its chunk",
    "levels_groups": "groups of layers are levelled",
    "pads_attention_pages": "a page that does not divide the largest is padded",
    "aligned_states": "recurrent states are aligned with the blocks of the attention",
    "exports_checkpoints": "Mamba 2 keeps one more block a request for prefix caching",
    "charges_cuda_graphs": "the estimate of the CUDA graphs is taken from the cache",
}
# The one that changed within a minor release comes last.
RULES = sorted(
    (field.name for field in fields(Rules) if field.name != "version"),
    key=lambda name: name == "tokens_from_concurrency",
)
BY_VERSION = {
    LEAN_SAMPLER_SINCE: "the sampler and the warm-up take less memory",
    SINGLE_GPU_SINCE: "a GPU by itself keeps more beside PyTorch's memory",
    LARGEST_TIER_SINCE: "a GPU of 160 GiB or more starts from batches of 16384 tokens",
}


@dataclass(frozen=True)
class Figures:
    """The numbers that an upgrade may move; None where the memory is not known."""

    tokens: int | None
    max_concurrency: float | None
    bytes_per_request: int
    fits: bool | None


@dataclass(frozen=True)
class Change:
    """One difference between releases that moves a number of this model.

    Attributes:
        since: The first release that has it.
        meaning: What it does.
        before: The numbers without it.
        after: The numbers with it.
    """

    since: str
    meaning: str
    before: Figures
    after: Figures


def version_changes(
    checkpoint: ModelDescription,
    weights: WeightFacts | None,
    oldest: EstimateRequest,
    newest: Rules,
) -> tuple[Change, ...]:
    """Every change from one release to a later one that moves a number, oldest first.

    Each rule is changed by itself upon what the earlier ones left, so that the changes add up to
    the whole difference. Steps whose numbers vLLM's sources do not tell are taken with the next.
    """
    description = as_asked(checkpoint, oldest)
    loaded = weights_as_asked(
        weights, checkpoint, dtype=description.dtype, quantization=oldest.quantization
    )
    found: list[Change] = []
    before: Figures | None = None
    waiting: list[str] = []
    for rules, since, meaning in steps(oldest.rules, newest):
        waiting += [meaning] if meaning else []
        try:
            after = _figures(description, loaded, replace(oldest, rules=rules))
        except EstimateError:
            continue
        if before is not None and after != before:
            found.append(Change(since, "; ".join(waiting) or "other overheads", before, after))
        before, waiting = after, []
    return tuple(found)


def steps(oldest: Rules, newest: Rules) -> Iterator[tuple[Rules, str, str]]:
    """Rules that lead from one release to the other by one change each, since when, and which."""
    current = oldest
    yield oldest, oldest.name, ""
    between = [
        rules
        for version, rules in sorted(RELEASES.items())
        if oldest.version < version < newest.version
    ]
    for release in (*between, newest):
        for name in RULES:
            value = getattr(release, name)
            if getattr(current, name) == value:
                continue
            current = replace(current, **{name: value})
            yield current, _since(name, release), MEANINGS.get(name, "")
        if current.version != release.version:
            current = replace(current, version=release.version)
            yield current, release.name, BY_VERSION.get(release.version, "")


def _since(rule: str, release: Rules) -> str:
    if rule == "tokens_from_concurrency":
        return ".".join(map(str, TOKENS_FROM_CONCURRENCY_SINCE))
    return release.name


def _figures(
    description: ModelDescription, weights: WeightFacts | None, request: EstimateRequest
) -> Figures:
    now = planned(description, weights, request)
    known = now.pool_bytes is not None
    return Figures(
        tokens=now.plan.tokens if known else None,
        max_concurrency=now.plan.max_concurrency if known else None,
        bytes_per_request=now.plan.bytes_per_request,
        fits=now.fits if known else None,
    )
