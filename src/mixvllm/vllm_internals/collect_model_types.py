"""Write down the `model_type`s that the installed vLLM and transformers know.

`python -m mixvllm.vllm_internals.collect_model_types > data/model_types_<major>_<minor>.json`
"""

from __future__ import annotations

import json
import sys

from mixvllm.vllm_internals.symbols import Symbol

OF_VLLM = Symbol("_CONFIG_REGISTRY", ("vllm.transformers_utils.config",))
OF_TRANSFORMERS = Symbol("CONFIG_MAPPING_NAMES", ("transformers.models.auto.configuration_auto",))


def collect() -> str:
    """The file's text, from the installed packages.

    Raises:
        InstallationError: they are missing, or have the names elsewhere.
    """
    import transformers

    names = sorted({*OF_VLLM.load(), *OF_TRANSFORMERS.load()})
    lines = ",\n".join(f"  {json.dumps(name)}" for name in names)
    version = json.dumps(transformers.__version__)
    return f'{{"transformers": {version}, "model_types": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    sys.stdout.write(collect())
