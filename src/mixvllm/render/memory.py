"""An estimate for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mixvllm.memory.answer import Capacity, Estimate
from mixvllm.render.units import parameters_text, size_text


def estimate_as_json(estimate: Estimate) -> dict[str, Any]:
    """The JSON document of `mixvllm estimate-kv`."""
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
        "gpu": None,
        "budget": _budget(estimate),
        "kv_cache_tokens": capacity and capacity.tokens,
        "max_concurrency": capacity and capacity.max_concurrency,
        "num_blocks": capacity and capacity.num_blocks,
        "block_size": estimate.settings.block_size,
        "vllm_version": estimate.vllm_version,
        "fits": capacity and capacity.fits,
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
        # The rules are vLLM's own: a given pool leaves nothing to guess.
        "uncertainty": {"kv_cache_tokens_low": None, "kv_cache_tokens_high": None},
    }


def _flat(layer: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": layer["kind"], "count": layer["count"], **layer["sizes"]}


def _budget(estimate: Estimate) -> dict[str, int | None] | None:
    if estimate.capacity is None:
        return None
    return {
        "requested_bytes": None,
        "weights_bytes": estimate.weights.bytes_per_gpu,
        "activation_bytes": None,
        "cuda_graph_bytes": None,
        "other_bytes": None,
        "kv_cache_bytes": estimate.capacity.pool_bytes,
    }


def estimate_view(estimate: Estimate, *, explained: bool = False) -> RenderableType:
    """The answer: the verdict first, what vLLM would print, then how it comes about."""
    parts: list[RenderableType] = [verdict(estimate)]
    if estimate.capacity is not None:
        parts.append(Padding(vllm_lines(estimate, estimate.capacity), (1, 0, 0, 0)))
    parts.append(Padding(_facts(estimate), (1, 0)))
    parts.append(_groups(estimate))
    if estimate.suggestions:
        parts.append(Padding(_suggestions(estimate), (1, 0, 0, 0)))
    if explained:
        parts.append(Padding(_explanation(estimate), (1, 0, 0, 0)))
    parts.append(Padding(_notes(estimate), (1, 0, 0, 0)))
    return Group(*parts)


def verdict(estimate: Estimate) -> Text:
    """Whether it fits, in one sentence."""
    name, length = estimate.model.name, f"{estimate.settings.max_model_len:,}"
    capacity = estimate.capacity
    if capacity is None:
        size = size_text(estimate.kv_cache.bytes_per_request_per_gpu)
        return Text.assemble(
            (name, "bold"), f": one request of {length} tokens takes {size} of KV cache a GPU."
        )
    if not capacity.fits:
        return Text.assemble((name, "bold"), (" does not fit", "bold red"), _way_out(estimate))
    if estimate.changes_needed:
        return Text.assemble(
            (name, "bold"), (" fits with a change", "bold yellow"), ": see the notes below."
        )
    requests = f": {capacity.max_concurrency:.2f} requests of {length} tokens at once."
    return Text.assemble((name, "bold"), (" fits", "bold green"), requests)


def _way_out(estimate: Estimate) -> str:
    assert estimate.capacity is not None
    needed = next(t.size_bytes for t in estimate.explanation if t.term == "smallest pool")
    pool = size_text(estimate.capacity.pool_bytes)
    text = (
        f": {estimate.settings.max_model_len:,} tokens need {size_text(needed)} of KV cache, "
        f"{pool} is there."
    )
    if longest := estimate.capacity.max_model_len_that_fits:
        text += f" --max-model-len {longest} fits."
    return text


def vllm_lines(estimate: Estimate, capacity: Capacity) -> Text:
    """The two lines that vLLM prints at start-up."""
    return Text(
        f"GPU KV cache size: {capacity.tokens:,} tokens\n"
        f"Maximum concurrency for {estimate.settings.max_model_len:,} tokens per request: "
        f"{capacity.max_concurrency:.2f}x"
    )


def _facts(estimate: Estimate) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _fact_rows(estimate):
        table.add_row(name, value)
    return table


def _fact_rows(estimate: Estimate) -> Iterator[tuple[str, str]]:
    model, cache, capacity = estimate.model, estimate.kv_cache, estimate.capacity
    context = "unknown" if model.context_length is None else f"{model.context_length:,} tokens"
    yield "model", f"{model.architecture}, {parameters_text(model.parameters)} ({model.source})"
    yield "context", f"{context}; asked {estimate.settings.max_model_len:,}"
    if capacity is not None:
        yield "longest that fits", f"{capacity.max_model_len_that_fits:,} tokens"
        blocks = f"{capacity.num_blocks:,} blocks of {estimate.settings.block_size} tokens"
        yield "KV cache", f"{size_text(capacity.pool_bytes)} a GPU, {blocks}"
    yield "one token", _both(cache.bytes_per_token, cache.bytes_per_token_per_gpu)
    yield "one request", _both(cache.bytes_per_request, cache.bytes_per_request_per_gpu)
    if estimate.weights.total_bytes is not None:
        weights = _both(estimate.weights.total_bytes, estimate.weights.bytes_per_gpu)
        yield "weights", f"{weights} ({estimate.weights.source})"
    yield "settings", _settings(estimate)


def _both(size: int, per_gpu: int | None) -> str:
    """A size over all GPUs, and on one where that is another."""
    if per_gpu is None or size_text(per_gpu) == size_text(size):
        return size_text(size)
    return f"{size_text(size)}, {size_text(per_gpu)} a GPU"


def _settings(estimate: Estimate) -> str:
    settings = estimate.settings
    parts = [
        f"vLLM {estimate.vllm_version}",
        settings.dtype,
        f"KV {settings.kv_cache_dtype}",
        f"TP {settings.tensor_parallel_size}",
        f"{settings.max_num_batched_tokens} tokens and {settings.max_num_seqs} sequences a batch",
    ]
    if settings.pipeline_parallel_size > 1:
        parts.insert(4, f"PP {settings.pipeline_parallel_size}")
    if settings.quantization:
        parts.insert(2, settings.quantization)
    return ", ".join(parts)


def _groups(estimate: Estimate) -> Table:
    table = _table("layers", "of", "block", "page", "blocks a request")
    table.columns[0].justify = "left"
    for group in estimate.groups:
        padded = f" + {group.padding_layers} padding" if group.padding_layers else ""
        table.add_row(
            group.kind.replace("_", " "),
            f"{group.layers}{padded}",
            f"{group.block_size}",
            size_text(group.page_bytes),
            f"{group.blocks_per_request:,}",
        )
    return table


def _suggestions(estimate: Estimate) -> Table:
    table = _table("holds more", "tokens", "requests at once")
    table.columns[0].justify = "left"
    for each in estimate.suggestions:
        table.add_row(Text(each.change), f"{each.tokens:,}", f"{each.max_concurrency:.2f}")
    return table


def _explanation(estimate: Estimate) -> Table:
    table = _table("term", "formula, in bytes", "bytes")
    table.columns[0].justify = table.columns[1].justify = "left"
    table.columns[1].overflow = "fold"
    table.columns[1].no_wrap = False
    for each in estimate.explanation:
        table.add_row(each.term, each.formula, f"{each.size_bytes:,}")
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, justify="right")
    return table


def _notes(estimate: Estimate) -> RenderableType:
    where = "a CUDA server"
    known = "" if estimate.capacity else " Give --kv-cache-memory SIZE to know what fits."
    return Group(
        *(Text(each, style="yellow") for each in estimate.changes_needed),
        *(Text(each) for each in estimate.notes),
        Text(f"By the rules of vLLM {estimate.vllm_version} for {where}.{known}", style="dim"),
    )
