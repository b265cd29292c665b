"""llm-sizer: models of its own list."""

from __future__ import annotations

import json

from benchmarks.calculators.probes.asked import (
    GIB,
    Answer,
    CalculatorError,
    Question,
    command,
    run_probe,
)

PRECISIONS = {"bf16": "bf16", "fp8": "q8", "mxfp4": "q4"}


def ask(question: Question) -> Answer:
    """`llm-sizer --model M --quant Q --context N --json`; its GB are GiB."""
    listed = command("llm-sizer", "--list-models")
    known = [name for name in question.own_names if f" {name} " in listed]
    if not known:
        raise CalculatorError("not in its list of models")
    quant = PRECISIONS[question.weights_format]
    asked = ("--model", known[0], "--quant", quant, "--context", str(question.tokens), "--json")
    memory = json.loads(command("llm-sizer", *asked))["vram_gb"]
    return Answer(memory["kv_cache"] * GIB, memory["weights"] * GIB, is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
