"""What changed in vLLM's cache planning from release to release, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mixvllm.errors import EstimateError


@dataclass(frozen=True)
class Rules:
    """The planning rules of one minor release of vLLM.

    Attributes:
        version: Major and minor version.
        counts_concurrent_batches: Windows keep the tokens of every batch in flight; before 0.26
            only those of one.
        tokens_from_concurrency: The printed size is `int(concurrency x length)`; before that it
            was the blocks of one group times the smallest block.
        reserves_null_block: The fit check leaves out the block that the pool never lends.
        windows_in_chunks: The hybrid manager is on for chunked local attention by default.
        levels_groups: A bucket less than half again as large as the smallest decides the size
            of the groups.
        pads_attention_pages: A page that does not divide the largest is padded to it; before,
            vLLM refused the model.
        aligned_states: Whether the number of states a request keeps under prefix caching is
            known for this release.
        exports_checkpoints: Mamba 2 keeps one more block a request under prefix caching.
        sparse_layers: The caches of DeepSeek-V4 and MiniMax-M3 are known for this release.
        charges_cuda_graphs: The estimate of the CUDA graphs is taken from the cache's memory.
        default_utilization_percent: `--gpu-memory-utilization` when it is not given.
    """

    version: tuple[int, int]
    counts_concurrent_batches: bool = True
    tokens_from_concurrency: bool = True
    reserves_null_block: bool = True
    windows_in_chunks: bool = True
    levels_groups: bool = True
    pads_attention_pages: bool = True
    aligned_states: bool = True
    exports_checkpoints: bool = True
    sparse_layers: bool = True
    charges_cuda_graphs: bool = True
    default_utilization_percent: int = 92

    @property
    def name(self) -> str:
        """The version as text."""
        return ".".join(map(str, self.version))


def releases() -> tuple[Rules, ...]:
    """Every modelled release, newest first: each differs from the next in the named rules."""
    newest = Rules((0, 33))
    line = [newest, replace(newest, version=(0, 32))]

    def older(minors: range, **changes: bool | int) -> None:
        line.extend(
            replace(line[-1], version=(0, minor), **changes)  # type: ignore[arg-type]
            for minor in minors
        )

    # Between 0.26 and 0.31 the sources at hand do not tell how many states an aligned request
    # keeps, nor whether the fit check leaves out the null block; the printed numbers of
    # attention models do not depend on either.
    older(
        range(31, 25, -1),
        aligned_states=False,
        exports_checkpoints=False,
        reserves_null_block=False,
        sparse_layers=False,
    )
    older(range(25, 19, -1), counts_concurrent_batches=False)
    older(
        range(19, 9, -1),
        tokens_from_concurrency=False,
        charges_cuda_graphs=False,
        default_utilization_percent=90,
        windows_in_chunks=False,
    )
    return tuple(line)


RELEASES = {rules.version: rules for rules in releases()}
NEWEST = max(RELEASES)
# In 0.20 the meaning of the printed size changed within the minor release, at this patch.
TOKENS_FROM_CONCURRENCY_SINCE = (0, 20, 2)


def rules_of(version: str) -> Rules:
    """The rules of a release, given as `0.32`, `0.32.1` or `0.20.2rc1.dev3+local`.

    Raises:
        EstimateError: the text is no version, or no modelled one.
    """
    parts = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", version.strip())
    known = f"{min(RELEASES)[0]}.{min(RELEASES)[1]} to {NEWEST[0]}.{NEWEST[1]}"
    if parts is None:
        raise EstimateError(f"{version!r} is not a version of vLLM; {known} are modelled.")
    major, minor, patch = (int(part or 0) for part in parts.groups())
    rules = RELEASES.get((major, minor))
    if rules is None:
        raise EstimateError(
            f"The memory rules of vLLM {version} are not modelled; {known} are.",
            hint="The newest rules are the best guess for a newer release: leave the version out.",
        )
    if (major, minor) == TOKENS_FROM_CONCURRENCY_SINCE[:2]:
        bare = parts.group(3) is None
        newer = bare or (major, minor, patch) >= TOKENS_FROM_CONCURRENCY_SINCE
        return replace(rules, tokens_from_concurrency=newer)
    return rules
