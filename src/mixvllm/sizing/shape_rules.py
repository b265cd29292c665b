"""Whether a model's shape can be served as asked: its context, heads, vocabulary and layers.

The rules are vLLM's (`ModelConfig.verify_with_parallel_config`, `_get_and_verify_max_len`, and
what its layers assert when they are built).
"""

from __future__ import annotations

from collections.abc import Iterator

from mixvllm.models.description import ModelDescription
from mixvllm.sizing.finding import (
    BATCH,
    LENGTH,
    MODEL,
    PIPELINE,
    SEQUENCES,
    TENSOR_PARALLEL,
    Case,
    Finding,
)
from mixvllm.vllm_internals.model_types import is_collected_version, known_model_types

# vLLM's own override of its check.
LONGER_VARIABLE = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"
# vLLM pads the vocabulary to a multiple of this before it is divided.
VOCABULARY_PADDING = 64
# These change the config that vLLM sees.
OVERRIDES = ("hf_overrides", "hf_config_path")
MOST_NAMED_RANKS = 16


def shape_findings(case: Case) -> Iterator[Finding]:
    """Everything that the model's shape forbids."""
    yield from _remote_code(case)
    yield from _context(case)
    yield from _tensor_parallel(case)
    yield from _pipeline(case)
    yield from _experts(case)
    yield from _batch(case)


def heads_replicated(case: Case) -> str | None:
    """A note where more ranks than KV heads keep copies of them."""
    ranks = case.asked.tensor_parallel_size
    heads = max(_kv_heads(case.found.description), default=ranks)
    if ranks <= heads or ranks % heads:
        return None
    return (
        f"{heads} KV heads over {ranks} GPUs: each is kept {ranks // heads} times, so the KV "
        f"cache gains nothing beyond {heads} GPUs"
    )


def rank_counts(model: ModelDescription, most: int = MOST_NAMED_RANKS) -> list[int]:
    """The tensor-parallel sizes that this model can be divided over."""
    return [ranks for ranks in range(1, most + 1) if _refusal(model, ranks) is None]


def needs_remote_code(model: ModelDescription) -> bool:
    """Whether vLLM reads the model's config by code that comes with the model."""
    return model.has_own_config_code and model.model_type not in known_model_types()


def _remote_code(case: Case) -> Iterator[Finding]:
    model = case.found.description
    if needs_remote_code(model) and not case.settings.model.trust_remote_code:
        yield Finding(
            ("model.trust_remote_code", MODEL),
            f"{model.name} brings its own code for its config ({model.model_type}), which vLLM "
            "runs only with trust_remote_code",
            "error" if is_collected_version() else "warning",
            "read that code, then set `model.trust_remote_code: true`",
            code="remote-code-needed",
        )


def _context(case: Case) -> Iterator[Finding]:
    model, asked = case.found.description, case.asked.max_model_len
    limit = model.context_length
    if not isinstance(asked, int) or limit is None or asked <= limit:
        return
    message = f"{asked:,} tokens are more than the {limit:,} that {model.name} allows"
    if case.may_exceed_context:
        yield Finding(
            (LENGTH,),
            f"{message}; {LONGER_VARIABLE}=1 lets it pass, with a risk",
            "warning",
            code="context-too-long",
        )
    elif any(case.settings.vllm.get(name) for name in OVERRIDES):
        yield Finding(
            (LENGTH,),
            f"{message}, unless the vLLM arguments change its config",
            "warning",
            code="context-too-long",
        )
    else:
        yield Finding(
            (LENGTH,),
            message,
            advice=f"set at most {limit}; {LONGER_VARIABLE}=1 in the environment overrides the "
            "limit, but answers beyond it may be nonsense",
            code="context-too-long",
        )


def _tensor_parallel(case: Case) -> Iterator[Finding]:
    model = case.found.description
    reason = _refusal(model, case.asked.tensor_parallel_size)
    if reason is not None:
        good = ", ".join(map(str, rank_counts(model)))
        yield Finding(
            (TENSOR_PARALLEL,),
            reason,
            advice=f"{model.name} takes {good}",
            code="tensor-parallel-size",
        )


def _refusal(model: ModelDescription, ranks: int) -> str | None:
    """Why the model cannot be divided over so many ranks; None where it can."""
    heads = model.attention_heads
    if heads % ranks:
        return f"{heads} attention heads cannot be divided over {ranks} GPUs"
    for kv in _kv_heads(model):
        if max(kv, ranks) % min(kv, ranks):
            return f"{kv} KV heads can neither be divided over {ranks} GPUs nor repeated evenly"
    padded = -(-model.vocab_size // VOCABULARY_PADDING) * VOCABULARY_PADDING
    if padded % ranks:
        grown = f", which vLLM pads to {padded:,}," if padded != model.vocab_size else ""
        return f"the vocabulary of {model.vocab_size:,}{grown} cannot be divided over {ranks} GPUs"
    return None


def _kv_heads(model: ModelDescription) -> list[int]:
    """The numbers of KV heads that its attention layers have, in order."""
    return sorted({heads for layer in model.layers if (heads := getattr(layer, "kv_heads", None))})


def _pipeline(case: Case) -> Iterator[Finding]:
    layers, stages = len(case.found.description.layers), case.asked.pipeline_parallel_size
    if stages > layers:
        yield Finding(
            (PIPELINE,),
            f"{layers} layers cannot fill {stages} pipeline stages",
            advice=f"set at most {layers}",
            code="pipeline-parallel-size",
        )
    # Only its warm-up, which this leaves out, makes what the later stages read from (0.32).
    if case.memory is not None and stages > 1 and case.asked.enforce_eager:
        yield Finding(
            (PIPELINE, "inference.enforce_eager"),
            "on the CPU build of vLLM pipeline stages with enforce_eager fail at the first request",
            advice="leave enforce_eager out, or use tensor_parallel_size",
            code="pipeline-parallel-size",
        )


def _experts(case: Case) -> Iterator[Finding]:
    model = case.found.description
    if case.settings.vllm.get("enable_expert_parallel") and not model.is_moe:
        yield Finding(
            ("vllm.enable_expert_parallel",),
            f"{model.name} has no experts to be divided over GPUs",
            advice="leave enable_expert_parallel out",
            code="no-experts",
        )


def _batch(case: Case) -> Iterator[Finding]:
    tokens, sequences = case.asked.max_num_batched_tokens, case.asked.max_num_seqs
    if tokens is not None and sequences is not None and tokens < sequences:
        yield Finding(
            (BATCH, SEQUENCES),
            f"max_num_batched_tokens ({tokens}) is less than max_num_seqs ({sequences})",
            advice=f"set max_num_seqs to at most {tokens}",
            code="batch-too-small",
        )
