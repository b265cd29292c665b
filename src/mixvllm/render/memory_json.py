"""An estimate as the JSON document of `mixvllm estimate-kv`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mixvllm.memory.answer import Estimate, Question

if TYPE_CHECKING:
    from mixvllm.memory.growth import Growth


def estimate_as_json(estimate: Estimate, growth: Growth | None = None) -> dict[str, Any]:
    """The JSON document of `mixvllm estimate-kv`; with its growth under `--chart`."""
    capacity, plain = estimate.capacity, asdict(estimate)
    model, weights = plain["model"], plain["weights"]
    return {
        "model": model | {"layers": [_flat(layer) for layer in model["layers"]]},
        "settings": plain["settings"],
        "kv_cache": plain["kv_cache"],
        "weights": {
            "bytes": weights["total_bytes"],
            "bytes_per_gpu": weights["bytes_per_gpu"],
            "source": weights["source"],
        },
        "gpu": _gpu(estimate),
        "budget": _budget(estimate),
        "kv_cache_tokens": capacity and capacity.tokens,
        "max_concurrency": capacity and capacity.max_concurrency,
        "num_blocks": capacity and capacity.num_blocks,
        "block_size": estimate.settings.block_size,
        "vllm_version": estimate.vllm_version,
        "fits": estimate.fits,
        "max_model_len_that_fits": capacity and capacity.max_model_len_that_fits,
        "suggestions": [
            {
                "change": each.change,
                "kv_cache_tokens": each.tokens,
                "max_concurrency": each.max_concurrency,
            }
            for each in estimate.suggestions
        ],
        "groups": [
            {
                "kind": group.kind,
                "layers": group.layers,
                "block_size": group.block_size,
                "page_bytes": group.page_bytes,
                "blocks_per_request": group.blocks_per_request,
                "padding_layers": group.padding_layers,
            }
            for group in estimate.groups
        ],
        "explanation": [
            {"term": each.term, "formula": each.formula, "bytes": each.size_bytes}
            for each in estimate.explanation
        ],
        "measured": _measured(estimate),
        # Of a pool that was given nothing is uncertain: the rules are vLLM's own.
        "uncertainty": {
            "kv_cache_tokens_low": capacity and capacity.tokens_low,
            "kv_cache_tokens_high": capacity and capacity.tokens_high,
        },
        "changes_needed": list(estimate.changes_needed),
        "concurrency": _question(estimate.question),
        "load": _load(estimate),
        "growth": None if growth is None else _growth(growth),
        "exact": plain["exact"],
    }


def _question(question: Question | None) -> dict[str, Any] | None:
    if question is None:
        return None
    return {
        "asked": question.concurrency,
        "tokens_per_request": question.tokens,
        "fits": question.fits,
        "needed_bytes_per_gpu": question.needed_bytes,
        "requests_at_once": question.at_once,
        "tokens_per_request_that_fit": question.longest,
        "flags": list(question.flags),
    }


def _load(estimate: Estimate) -> dict[str, Any] | None:
    load, now, full = estimate.load, estimate.load_at_once, estimate.full_at_once
    if load is None or now is None:
        return None
    return {
        "prompt_tokens": load.prompt_tokens,
        "output_tokens": load.output_tokens,
        "blocks_per_request": now.blocks_per_request,
        "bytes_per_request_per_gpu": now.bytes_per_request_per_gpu,
        "requests_at_once": now.count,
        "limited_by": now.limited_by,
        "requests_by_memory": now.by_memory,
        "requests_by_memory_low": now.by_memory_low,
        "requests_by_memory_high": now.by_memory_high,
        "max_num_seqs": now.max_num_seqs,
        "full_length_requests_at_once": full and full.count,
    }


def _measured(estimate: Estimate) -> dict[str, Any] | None:
    measured = estimate.measured
    if measured is None:
        return None
    return {
        "date": measured.measured_at,
        "vllm_version": measured.vllm_version,
        "taken_bytes": measured.taken_bytes,
        "weights_bytes": measured.weights_bytes,
        "cuda_graph_bytes": measured.cuda_graph_bytes,
    }


def _gpu(estimate: Estimate) -> dict[str, Any] | None:
    gpu = estimate.gpu
    if gpu is None:
        return None
    return {"name": gpu.name, "total_bytes": gpu.total_bytes, "count": estimate.gpu_count}


def _flat(layer: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": layer["kind"], "count": layer["count"], **layer["sizes"]}


def _budget(estimate: Estimate) -> dict[str, int | None] | None:
    if estimate.capacity is None:
        return None
    budget = estimate.budget
    if budget is None:
        names = ("requested", "weights", "activation", "cuda_graph", "other", "kv_cache")
        return dict.fromkeys((f"{name}_bytes" for name in names), None) | {
            "weights_bytes": estimate.weights.bytes_per_gpu,
            "kv_cache_bytes": estimate.capacity.pool_bytes,
        }
    return {
        "requested_bytes": budget.requested_bytes,
        "weights_bytes": budget.weights_bytes,
        "activation_bytes": budget.activation.best,
        "cuda_graph_bytes": budget.cuda_graph.best,
        "other_bytes": budget.other.best,
        "kv_cache_bytes": budget.kv_cache.best,
    }


def _growth(growth: Growth) -> dict[str, Any]:
    return {
        "asked_tokens": growth.asked_tokens,
        "pool_bytes_per_gpu": growth.pool_bytes,
        "max_model_len_that_fits": growth.longest_that_fits,
        "points": [
            {
                "tokens": point.tokens,
                "bytes_per_request_per_gpu": point.size_bytes,
                "bytes_per_kind_per_gpu": dict(point.bytes_per_kind),
                "max_concurrency": point.max_concurrency,
                "fits": point.fits,
            }
            for point in growth.points
        ],
    }
