"""aiconfigurator: its model of a folder, without the performance data."""

from __future__ import annotations

from importlib import import_module

from benchmarks.calculators.probes.asked import Answer, Question, run_probe


def ask(question: Question) -> Answer:
    """The cache of a sequence, and the weights of the operations of a prefill."""
    sdk = import_module("aiconfigurator_core.sdk.config")
    common = import_module("aiconfigurator_core.sdk.common")
    models = import_module("aiconfigurator_core.sdk.models")
    config = sdk.ModelConfig(
        tp_size=question.ranks,
        moe_tp_size=question.ranks,
        moe_ep_size=1,
        kvcache_quant_mode=common.KVCacheQuantMode.bfloat16,
    )
    model = models.get_model(question.directory, config, "vllm")
    weights = sum(operation.get_weights() for operation in model.context_ops)
    return Answer(model.get_kvcache_bytes_per_sequence(question.tokens), weights or None)


if __name__ == "__main__":
    run_probe(ask)
