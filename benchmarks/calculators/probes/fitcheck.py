"""fitcheck-llm: what its command for inference computes, of a name on the hub."""

from __future__ import annotations

from importlib import import_module

from benchmarks.calculators.probes.asked import Answer, Question, run_probe

MIB = 2**20


def ask(question: Question) -> Answer:
    """`estimate_inference_memory` in bfloat16."""
    config = import_module("fitcheck.config_parser").fetch_model_config(question.name)
    inference = import_module("fitcheck.memory.inference")
    said = inference.estimate_inference_memory(config, "bf16", question.tokens)
    return Answer(kv_bytes=said.kv_cache_mib * MIB, is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
