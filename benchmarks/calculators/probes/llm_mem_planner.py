"""llm-mem-planner: a config.json."""

from __future__ import annotations

import re

from benchmarks.calculators.probes.asked import GIB, Answer, Question, command, run_probe

FORMATS = {"bf16": "bf16", "fp8": "fp8", "mxfp4": "fp4"}


def ask(question: Question) -> Answer:
    """`llm-mem --config FILE --seq-len N`; it prints a report of text."""
    report = command(
        "llm-mem",
        *("--config", str(question.config_file), "--seq-len", str(question.tokens)),
        *("--batch", "1", "--tp", str(question.ranks), "--kv-dtype", "bf16"),
        *("--weight-dtype", FORMATS[question.weights_format]),
    )
    caches = re.findall(r"(?:kv|index|indexer)_per_rank=([\d.]+) GiB", report)
    weights = re.findall(r"weights_per_rank: ([\d.]+) GiB", report)
    return Answer(sum(map(float, caches)) * GIB, float(weights[0]) * GIB)


if __name__ == "__main__":
    run_probe(ask)
