"""The `model_type`s whose config vLLM reads without code of the checkpoint's own, as data.

Collected from the installed vLLM and transformers by running this module:
`python -m mixvllm.vllm_internals.model_types > data/model_types_<major>_<minor>.json`.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib import resources

from mixvllm.vllm_internals.arguments import modelled_version
from mixvllm.vllm_internals.symbols import Symbol

# 0.33 has no build that runs here.
COLLECTED = (0, 32)
OF_VLLM = Symbol("_CONFIG_REGISTRY", ("vllm.transformers_utils.config",))
OF_TRANSFORMERS = Symbol(
    "CONFIG_MAPPING_NAMES",
    ("transformers.models.auto.auto_mappings", "transformers.models.auto.configuration_auto"),
)


@cache
def known_model_types() -> frozenset[str]:
    """Every `model_type` that needs no remote code."""
    name = f"model_types_{COLLECTED[0]}_{COLLECTED[1]}.json"
    data = resources.files("mixvllm.vllm_internals") / "data" / name
    return frozenset(json.loads(data.read_text(encoding="utf-8"))["model_types"])


def is_collected_version() -> bool:
    """Whether the list is that of the vLLM that will serve; a newer one may know more."""
    return modelled_version() == COLLECTED


def collect() -> str:
    """The file's text, from the installed packages."""
    import transformers

    names = sorted({*OF_VLLM.load(), *OF_TRANSFORMERS.load()})
    lines = ",\n".join(f"  {json.dumps(name)}" for name in names)
    version = json.dumps(transformers.__version__)
    return f'{{"transformers": {version}, "model_types": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    sys.stdout.write(collect())
