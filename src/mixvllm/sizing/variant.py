"""What a comparison says: an answer or a refusal for each variant, and what an upgrade changes."""

from __future__ import annotations

from dataclasses import dataclass

from mixvllm.errors import MixvllmError
from mixvllm.memory.answer import Estimate
from mixvllm.memory.upgrade import Change


@dataclass(frozen=True)
class Variant:
    """One of several estimates.

    Attributes:
        model: The model, as it was named.
        gpu: The GPU, as it was named; None where none is.
        vllm_version: The release whose rules were taken.
        estimate: The answer, or None where there is none.
        refusal: Why there is none.
    """

    model: str
    gpu: str | None
    vllm_version: str
    estimate: Estimate | None = None
    refusal: MixvllmError | None = None


@dataclass(frozen=True)
class Upgrade:
    """What the releases between the oldest and the newest that was asked for change.

    Attributes:
        model: The model, as it was named.
        gpu: The GPU, as it was named.
        oldest: The release that is left.
        newest: The release that is gone to.
        changes: What moves a number of this model on this GPU, in the order of the releases.
    """

    model: str
    gpu: str | None
    oldest: str
    newest: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Comparison:
    """Several estimates side by side.

    Attributes:
        variants: One for each model on each GPU by each release, in this order.
        upgrades: What changes between the releases, where there are several.
    """

    variants: tuple[Variant, ...]
    upgrades: tuple[Upgrade, ...] = ()
