"""ridgepoint: a name on the hub."""

from __future__ import annotations

import json

from benchmarks.calculators.probes.asked import Answer, Question, command, run_probe

# It has no MXFP4; AWQ has 4 bits, too.
FORMATS = {"bf16": "bf16", "fp8": "fp8", "mxfp4": "awq"}


def ask(question: Question) -> Answer:
    """`ridgepoint fit M --json` of more GPUs than are needed."""
    answer = command(
        "ridgepoint",
        "fit",
        question.name,
        *("--gpu", "h100-80gb:16", "--engine", "vllm", "--ctx", str(question.tokens)),
        *("--dtype", FORMATS[question.weights_format], "--kv-cache-dtype", "bf16", "--json"),
    )
    return Answer(kv_bytes=json.loads(answer)["capacity"]["bytes_per_seq"], is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
