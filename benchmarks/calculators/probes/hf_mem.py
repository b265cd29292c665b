"""hf-mem: the whole of its run, its network replaced by the model's config.json.

It asks huggingface.co by name and takes no folder. Of the weights it is shown one tensor: it adds
up what files tell, which is no calculation.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.calculators.probes.asked import Answer, Question, run_probe

FILES = [{"path": path, "type": "file"} for path in ("config.json", "model.safetensors")]
HEADER = {"model.norm.weight": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}


def ask(question: Question) -> Answer:
    """`hf-mem --experimental --max-model-len N --kv-cache-dtype bfloat16`."""
    run: Any = import_module("hf_mem.run")

    async def get_json_file(*arguments: Any, **named: Any) -> Any:
        asked = " ".join(map(str, (*arguments, *named.values())))
        return question.config if "config.json" in asked else FILES

    async def fetch_safetensors_metadata(**named: Any) -> Any:
        del named
        return HEADER

    run.get_json_file = get_json_file
    run.fetch_safetensors_metadata = fetch_safetensors_metadata
    result = run.run(
        question.name,
        experimental=True,
        max_model_len=question.tokens,
        kv_cache_dtype="bfloat16",
    )
    return Answer(kv_bytes=result.kv_cache, is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
