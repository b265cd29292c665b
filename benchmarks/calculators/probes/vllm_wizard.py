"""vllm-wizard: a folder; its allowance for fragmentation is taken out."""

from __future__ import annotations

import json

from benchmarks.calculators.probes.asked import GIB, Answer, Question, command, run_probe


def ask(question: Question) -> Answer:
    """`vllm-wizard plan --json` of a GPU with room enough; its GB are GiB."""
    quantization = "fp8" if question.weights_format == "fp8" else "none"
    answer = command(
        "vllm-wizard",
        "plan",
        *("--model", question.directory, "--max-model-len", str(question.tokens)),
        *("--dtype", "bf16", "--kv-cache-dtype", "bf16", "--quantization", quantization),
        *("--gpu", "H100", "--vram-gb", "2000", "--gpus", str(question.ranks)),
        *("--tensor-parallel-size", str(question.ranks), "--fragmentation-factor", "1.0"),
        *("--concurrency", "1", "--json"),
    )
    # It wraps the lines of its JSON, also within strings.
    said = json.loads(answer, strict=False)["feasibility"]
    return Answer(said["kv_cache_gb"] * GIB, said["weights_gb"] * GIB)


if __name__ == "__main__":
    run_probe(ask)
