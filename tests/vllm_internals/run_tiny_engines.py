"""Starts the real engine on small models, one after the other, and prints what it reports.

`python -m tests.vllm_internals.run_tiny_engines` writes one JSON object a line. In one process,
for importing vLLM takes longer than an engine of this size.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from tests.vllm_internals import tiny_models
from tests.vllm_internals.tiny_models import TinyModel

MODELS: dict[str, TinyModel] = {
    "full attention": tiny_models.LLAMA,
    "sliding window": tiny_models.GEMMA,
    "latent attention": tiny_models.DEEPSEEK,
    "recurrent state": tiny_models.QWEN_NEXT,
}
LENGTH = 8192
BATCH = 4096
POOL_GIB = 1
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_KVCACHE_SPACE": str(POOL_GIB),
}


def reported(model: TinyModel) -> dict[str, Any]:
    """What an engine with random weights reports of its cache."""
    from vllm import LLM
    from vllm.distributed import cleanup_dist_env_and_memory

    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "config.json").write_text(json.dumps(model.config), encoding="utf-8")
        engine = LLM(
            directory,
            load_format="dummy",
            enforce_eager=True,
            skip_tokenizer_init=True,
            max_model_len=LENGTH,
            max_num_batched_tokens=BATCH,
            max_num_seqs=16,
        )
        cache = engine.llm_engine.vllm_config.cache_config
        facts = {
            "block_size": cache.block_size,
            "prefix_caching": cache.enable_prefix_caching,
            "num_blocks": cache.num_gpu_blocks,
            "tokens": cache.kv_cache_size_tokens,
            "max_concurrency": cache.kv_cache_max_concurrency,
        }
        engine.llm_engine.engine_core.shutdown()
    del engine
    gc.collect()
    cleanup_dist_env_and_memory()
    return facts


def main() -> None:
    """Start every engine."""
    os.environ.update(ENVIRONMENT)
    for name, model in MODELS.items():
        with redirect_stdout(sys.stderr):
            facts = reported(model)
        sys.stdout.write(json.dumps({"name": name, **facts}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
