"""An estimate as the few facts that a model needs to answer a question about it."""

from __future__ import annotations

from typing import Any

from mixvllm.api.estimates import estimate
from mixvllm.memory.answer import Estimate
from mixvllm.sizes import GIB

MOST_SUGGESTIONS = 3


def estimate_facts(
    model: str,
    gpu: str | None = None,
    gpu_count: int = 1,
    max_model_len: int | None = None,
    concurrency: int | None = None,
) -> dict[str, Any]:
    """What vLLM would report for a model, before anything is loaded; unknown is None.

    Raises:
        MixvllmError: the model or the GPU is not known, or the settings are wrong.
    """
    flags: dict[str, Any] = {"gpus": gpu_count}
    if max_model_len is not None:
        flags["max_model_len"] = max_model_len
    answer = estimate(model, gpu=gpu, concurrency=concurrency, **flags)
    facts: dict[str, Any] = {
        "model": answer.model.name,
        "gpu": answer.gpu.name if answer.gpu else None,
        "gpu_count": answer.gpu_count,
        "context_tokens": answer.settings.max_model_len,
        "fits": answer.capacity and answer.capacity.fits,
        "weights_gib_per_gpu": _gib(answer.weights.bytes_per_gpu),
        "kv_cache_bytes_per_token": answer.kv_cache.bytes_per_token,
        "kv_cache_gib_per_full_request": _gib(answer.kv_cache.bytes_per_request),
        **_capacity(answer),
    }
    question = answer.question
    if question is not None:
        facts |= {
            "concurrency_asked": question.concurrency,
            "concurrency_fits": question.fits,
            "longest_tokens_at_that_concurrency": question.longest,
        }
    return facts | {
        "changes_needed": list(answer.changes_needed),
        "suggestions": [each.change for each in answer.suggestions[:MOST_SUGGESTIONS]],
        "notes": list(answer.notes),
        "vllm_version": answer.vllm_version,
    }


def _capacity(answer: Estimate) -> dict[str, Any]:
    capacity = answer.capacity
    if capacity is None:
        return {"kv_cache_tokens": None, "note": "no GPU is known: name one to learn what fits"}
    return {
        "kv_cache_tokens": capacity.tokens,
        "full_requests_at_once": round(capacity.max_concurrency, 2),
        "longest_context_that_fits": capacity.max_model_len_that_fits,
    }


def _gib(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else round(size_bytes / GIB, 2)
