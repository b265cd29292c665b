"""An estimate for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mixvllm.memory.answer import Capacity, Estimate, Weights
from mixvllm.render.at_once import each_text, load_text, met_text, requests_text, unmet_text
from mixvllm.render.budget import budget_table
from mixvllm.render.fitting_table import FittingTable
from mixvllm.render.theme import ERROR, GOOD, NAME, WARNING
from mixvllm.render.units import parameters_text, size_text
from mixvllm.render.whole_words import whole_words

# Changes that the verdict names; the table of levers has them all.
MOST_WAYS = 3


def estimate_view(
    estimate: Estimate, *, explained: bool = False, chart: RenderableType | None = None
) -> RenderableType:
    """The answer: the verdict first, what vLLM would print, then how it comes about.

    Where there is a chart of its growth, that stands in place of the tables.
    """
    parts: list[RenderableType] = [verdict(estimate)]
    if estimate.capacity is not None and estimate.capacity.fits:
        parts += ["", vllm_lines(estimate, estimate.capacity)]
    if chart is not None:
        return Group(*parts, "", chart, "", _notes(estimate))
    parts += ["", _facts(estimate), "", _groups(estimate)]
    if estimate.gpu is not None and estimate.budget is not None:
        is_measured = estimate.measured is not None
        parts += ["", budget_table(estimate.gpu, estimate.budget, is_measured=is_measured)]
    if estimate.suggestions:
        parts += ["", _suggestions(estimate)]
    if explained:
        parts += ["", _explanation(estimate)]
    return Group(*parts, "", _notes(estimate))


def verdict(estimate: Estimate) -> Text:
    """Whether it fits, in one sentence."""
    name, length = estimate.model.name, f"{estimate.settings.max_model_len:,}"
    capacity, question = estimate.capacity, estimate.question
    if capacity is None and question is not None:
        size = size_text(question.needed_bytes)
        requests = requests_text(question.concurrency)
        each = each_text(question.tokens, estimate.load)
        take = f": {requests} {each} at once take {size} of KV cache a GPU."
        return Text.assemble((name, NAME), take)
    if capacity is None:
        size = size_text(estimate.kv_cache.bytes_per_request_per_gpu)
        return Text.assemble(
            (name, NAME), f": one request of {length} tokens takes {size} of KV cache a GPU."
        )
    if not estimate.fits:
        why = way_out(estimate)
    elif estimate.changes_needed:
        why = estimate.changes_needed[0]
    elif question is not None:
        why = met_text(estimate, question)
    else:
        why = f"{capacity.max_concurrency:.2f} requests of {length} tokens at once."
    return Text.assemble((name, NAME), " ", verdict_word(estimate), f": {why}")


def verdict_word(estimate: Estimate) -> Text:
    """Whether it fits, as short as can be; a dash where the memory is not known."""
    if estimate.capacity is None:
        return Text("-")
    if not estimate.fits:
        return Text("does not fit", style=ERROR)
    if estimate.changes_needed:
        return Text("fits with a change", style=WARNING)
    return Text("fits", style=GOOD)


def way_out(estimate: Estimate) -> str:
    """Why it does not fit, and the least changes with which it does."""
    assert estimate.capacity is not None
    ways = _least_changes(estimate)
    return f"{_shortage(estimate, estimate.capacity)} {_listed_ways(ways)}".rstrip()


def _shortage(estimate: Estimate, capacity: Capacity) -> str:
    if lacking := capacity.overdrawn_bytes:
        return f"a GPU lacks {size_text(lacking)} for this much KV cache beside the rest."
    if not capacity.pool_bytes:
        return "weights and overheads leave no memory for the KV cache."
    if estimate.question is not None and not estimate.question.fits:
        return unmet_text(estimate, estimate.question)
    length, there = estimate.settings.max_model_len, size_text(capacity.pool_bytes)
    request = estimate.kv_cache.bytes_per_request_per_gpu
    needed = size_text(request)
    if needed == there or request <= capacity.pool_bytes:
        # Little is lacking: perhaps no more than the block that is never lent.
        smallest = next(t.size_bytes for t in estimate.explanation if t.term == "smallest pool")
        needed = f"{size_text(smallest - capacity.pool_bytes)} more"
    return f"{length:,} tokens need {needed} of KV cache, {there} is there."


def _least_changes(estimate: Estimate) -> list[str]:
    """Of each flag the change that goes least far; the one that holds most is a lever below."""
    by_flag: dict[str, str] = {}
    for each in sorted(estimate.suggestions, key=lambda each: each.max_concurrency):
        by_flag.setdefault(each.change.split()[0], each.change)
    return list(by_flag.values())[:MOST_WAYS]


def _listed_ways(ways: list[str]) -> str:
    if not ways:
        return ""
    *others, last = ways
    return f"{', '.join(others)} or {last} makes it fit." if others else f"{last} makes it fit."


def vllm_lines(estimate: Estimate, capacity: Capacity) -> Text:
    """The two lines that vLLM prints at start-up."""
    return Text(
        f"GPU KV cache size: {capacity.tokens:,} tokens\n"
        f"Maximum concurrency for {estimate.settings.max_model_len:,} tokens per request: "
        f"{capacity.max_concurrency:.2f}x"
    )


def _facts(estimate: Estimate) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=NAME, no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _fact_rows(estimate):
        table.add_row(name, value)
    return table


def _fact_rows(estimate: Estimate) -> Iterator[tuple[str, str]]:
    model, cache, capacity = estimate.model, estimate.kv_cache, estimate.capacity
    context = "unknown" if model.context_length is None else f"{model.context_length:,} tokens"
    yield "model", f"{model.architecture}, {parameters_text(model.parameters)} ({model.source})"
    planned = estimate.settings.max_model_len
    asked = "" if planned == model.context_length else f"; asked {planned:,}"
    yield "context", f"{context}{asked}"
    if capacity is not None:
        yield "longest that fits", f"{capacity.max_model_len_that_fits:,} tokens"
        blocks = f"{capacity.num_blocks:,} blocks of {estimate.settings.block_size} tokens"
        yield "KV cache", f"{size_text(capacity.pool_bytes)} a GPU, {blocks}"
    yield "one token", _both(cache.bytes_per_token, cache.bytes_per_token_per_gpu)
    yield "one request", _both(cache.bytes_per_request, cache.bytes_per_request_per_gpu)
    if estimate.load is not None and estimate.load_at_once is not None:
        yield "your load", load_text(estimate.load, estimate.load_at_once, estimate.full_at_once)
    if (weights := _weights(estimate.weights)) is not None:
        yield "weights", f"{weights} ({estimate.weights.source}){_beside(estimate)}"
    yield "settings", _settings(estimate)


def _beside(estimate: Estimate) -> str:
    """What a GPU has of them with what vLLM computes beside them, where that is another number."""
    if estimate.budget is None or estimate.measured is not None:
        return ""
    loaded = size_text(estimate.budget.weights_bytes)
    is_same = loaded == size_text(estimate.weights.bytes_per_gpu)
    return "" if is_same else f"; {loaded} with their tables"


def _weights(weights: Weights) -> str | None:
    """Over all GPUs and on one, as far as they are known."""
    if weights.total_bytes is not None:
        return _both(weights.total_bytes, weights.bytes_per_gpu)
    if weights.bytes_per_gpu is not None:
        return f"{size_text(weights.bytes_per_gpu)} a GPU"
    return None


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
        f"{settings.max_num_batched_tokens:,} tokens and {settings.max_num_seqs:,} "
        "sequences a batch",
    ]
    if settings.pipeline_parallel_size > 1:
        parts.insert(4, f"PP {settings.pipeline_parallel_size}")
    if settings.quantization:
        parts.insert(2, settings.quantization)
    return ", ".join(parts)


def _groups(estimate: Estimate) -> FittingTable:
    heads = ("layers", "of", "block", "page", "blocks a request")
    rows = []
    for group, count in Counter(estimate.groups).items():
        padded = f" + {group.padding_layers} padding" if group.padding_layers else ""
        times = f"{count} x " if count > 1 else ""
        cells = (
            group.kind.replace("_", " "),
            f"{times}{group.layers}{padded}",
            f"{group.block_size}",
            size_text(group.page_bytes),
            f"{group.blocks_per_request:,}",
        )
        rows.append([Text(cell) for cell in cells])
    return FittingTable(heads, rows, heads[:1], ("block", "page", "blocks a request", "of"))


def _suggestions(estimate: Estimate) -> FittingTable:
    unmet = estimate.question is not None and not estimate.question.fits
    heads = ("holds them" if unmet else "holds more", "tokens", "requests at once")
    rows = []
    for each in estimate.suggestions:
        at_once = f"{each.at_once:,}" if unmet else f"{each.max_concurrency:.2f}"
        rows.append([Text(each.change), Text(f"{each.tokens:,}"), Text(at_once)])
    return FittingTable(heads, rows, heads[:1], heads[:0:-1])


def _explanation(estimate: Estimate) -> Table:
    table = _table("term", "formula, in bytes", "bytes")
    for column in table.columns[:2]:
        column.justify, column.overflow = "left", "fold"
    table.columns[2].no_wrap = True
    for each in estimate.explanation:
        table.add_row(each.term, each.formula, f"{each.size_bytes:,}")
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style=NAME, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, justify="right")
    return table


def _notes(estimate: Estimate) -> RenderableType:
    is_open = estimate.capacity is None and estimate.gpu is None
    known = " Give --gpu NAME to know what fits." if is_open else ""
    by = f"the rules of vLLM {estimate.vllm_version}"
    if estimate.exact is not None:
        by = f"the planner of {estimate.exact.planner} itself,"
    return Group(
        *map(whole_words, estimate.notes),
        *_measured(estimate),
        *_bounds(estimate),
        Text(f"By {by} for {_server(estimate)}.{known}"),
    )


def _server(estimate: Estimate) -> str:
    gpu = estimate.gpu
    return f"{estimate.gpu_count} x {gpu.name}" if gpu and gpu.name else "a CUDA server"


def _measured(estimate: Estimate) -> Iterator[Text]:
    """Where the budget comes from, when not from an estimate."""
    measured, budget = estimate.measured, estimate.budget
    if measured is None or budget is None:
        return
    beside = size_text(measured.taken_bytes - budget.weights_bytes)
    weights = size_text(measured.weights_bytes)
    own = f"weights {weights} and {beside} beside them" if measured.weights_bytes else beside
    yield Text(
        f"Measured here on {measured.measured_at} by vLLM {measured.vllm_version}: {own}. "
        "--no-measured leaves it out."
    )


def _bounds(estimate: Estimate) -> Iterator[Text]:
    capacity = estimate.capacity
    if capacity is None or capacity.tokens_low is None or not capacity.tokens_high:
        return
    between = f"between {capacity.tokens_low:,} and {capacity.tokens_high:,} tokens"
    if estimate.measured is not None:
        yield Text(f"Starts repeat within 0.02 GiB: expect {between}.")
        return
    yield Text(f"What vLLM takes beside the weights is estimated: expect {between}.")
