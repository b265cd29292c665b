"""What vLLM remembers of an engine beyond its end: the results of its cached functions."""

from __future__ import annotations

import sys
from functools import lru_cache

# Where functions are cached by tokenizer, model or template; each entry keeps tens of MiB alive.
PACKAGES = (
    "vllm.entrypoints",
    "vllm.renderers",
    "vllm.tokenizers",
    "vllm.transformers_utils",
    "vllm.utils.func_utils",
)
CachedFunction = type(lru_cache(lambda: None))


def forget_models() -> None:
    """Empty these caches; whatever is needed again is worked out again."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGES):
            # A copy: other threads may be importing meanwhile.
            for value in list(vars(module).values()):
                if isinstance(value, CachedFunction):
                    value.cache_clear()
