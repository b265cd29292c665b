"""Several estimates as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mixvllm.render.memory_json import estimate_as_json
from mixvllm.sizing.variant import Upgrade, Variant


def comparison_as_json(variants: Sequence[Variant], upgrades: Sequence[Upgrade]) -> dict[str, Any]:
    """The documents of the single estimates in one list; a refused one has its error instead.

    Where releases were compared, `upgrades` tells what moved a number between them.
    """
    document: dict[str, Any] = {"estimates": [_as_json(variant) for variant in variants]}
    if upgrades:
        document["upgrades"] = [asdict(upgrade) for upgrade in upgrades]
    return document


def _as_json(variant: Variant) -> dict[str, Any]:
    if variant.estimate is not None:
        return estimate_as_json(variant.estimate)
    assert variant.refusal is not None
    return {
        "model": {"name": variant.model},
        "gpu": variant.gpu and {"name": variant.gpu},
        "vllm_version": variant.vllm_version,
        "error": {
            "message": variant.refusal.message,
            "hint": variant.refusal.hint,
            "code": variant.refusal.code,
        },
    }
