"""llm-d-planner: its capacity planner, with the configuration that transformers reads."""

from __future__ import annotations

from importlib import import_module

from benchmarks.calculators.probes.asked import Answer, Question, run_probe


def ask(question: Question) -> Answer:
    """`KVCacheDetail`; there is no option for the cache's number format."""
    config = import_module("transformers").AutoConfig.from_pretrained(question.directory)
    planner = import_module("planner.capacity_planner")
    detail = planner.KVCacheDetail(question.name, config, question.tokens, 1)
    return Answer(kv_bytes=detail.per_request_kv_cache_bytes, is_whole=True)


if __name__ == "__main__":
    run_probe(ask)
