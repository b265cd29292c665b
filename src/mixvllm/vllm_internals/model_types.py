"""The `model_type`s whose config vLLM reads without code of the checkpoint's own, as data.

Collected by `collect_model_types.py` from vLLM and the transformers that it came with.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from mixvllm.vllm_internals.arguments import modelled_version

# 0.33 has no build that runs here.
COLLECTED = (0, 32)


@cache
def known_model_types() -> frozenset[str]:
    """Every `model_type` that needs no remote code."""
    name = f"model_types_{COLLECTED[0]}_{COLLECTED[1]}.json"
    data = resources.files("mixvllm.vllm_internals") / "data" / name
    return frozenset(json.loads(data.read_text(encoding="utf-8"))["model_types"])


def is_collected_version() -> bool:
    """Whether the list is that of the vLLM that will serve; a newer one may know more."""
    return modelled_version() == COLLECTED
