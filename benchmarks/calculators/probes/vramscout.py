"""vramscout: a name on the hub, for it wants the parameters of experts from there."""

from __future__ import annotations

import json

from benchmarks.calculators.probes.asked import GIB, Answer, Question, command, run_probe

# What it lists beside the weights and the cache.
RUNTIME = ("Model weights", "CUDA", "Prefill", "Safety")


def ask(question: Question) -> Answer:
    """`vramscout M --engine vllm --json` of a GPU with room enough."""
    answer = command(
        "vramscout",
        question.name,
        *("--context", str(question.tokens), "--tp", str(question.ranks)),
        *("--engine", "vllm", "--kv-dtype", "bf16", "--indexer-dtype", "bf16"),
        *("--vram-gib", "2000", "--json"),
    )
    parts = json.loads(answer)["parts_gib"]
    cache = sum(size for part, size in parts.items() if not part.startswith(RUNTIME))
    return Answer(kv_bytes=cache * GIB)


if __name__ == "__main__":
    run_probe(ask)
