"""llm-cal: its formula; its command asks huggingface.co by name."""

from __future__ import annotations

from importlib import import_module

from benchmarks.calculators.probes.asked import Answer, CalculatorError, Question, run_probe


def ask(question: Question) -> Answer:
    """`compute_kv_cache_bytes` of the architecture that it detects."""
    profile = import_module("llm_cal.architecture.detector").detect(question.config)
    formula = import_module("llm_cal.architecture.formulas.kv_cache")
    said = formula.compute_kv_cache_bytes(profile, question.tokens, 2)
    if said.label.name == "UNKNOWN":
        raise CalculatorError(said.source)
    return Answer(kv_bytes=said.value, is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
