"""vramcalc: a folder, of four architectures."""

from __future__ import annotations

import json

from benchmarks.calculators.probes.asked import Answer, Question, command, run_probe


def ask(question: Question) -> Answer:
    """`vramcalc estimate FOLDER --seq N --json`."""
    asked = (question.directory, "--seq", str(question.tokens), "--dtype", "bf16", "--json")
    said = json.loads(command("vramcalc", "estimate", *asked))["estimate"]
    return Answer(said["kv_cache"], said["weights"], is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
