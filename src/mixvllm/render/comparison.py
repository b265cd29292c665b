"""Several estimates side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mixvllm.memory.answer import Estimate
from mixvllm.memory.upgrade import Change
from mixvllm.render.comparison_table import ComparisonTable
from mixvllm.render.memory import verdict_word, way_out
from mixvllm.render.theme import ERROR, GOOD, NAME, WARNING
from mixvllm.render.units import size_text
from mixvllm.sizing.variant import Upgrade, Variant

UNKNOWN = "-"
MEANING = (
    "tokens and requests: vLLM's KV cache size and maximum concurrency at that length; longest: "
    "the longest context that fits; sizes are those of one GPU."
)


def comparison_view(variants: Sequence[Variant], upgrades: Sequence[Upgrade]) -> RenderableType:
    """How many fit, what all have in common, a row for each, and why some do not fit."""
    parts: list[RenderableType] = [_headline(variants), ""]
    cells = _cells(variants)
    varied = {name: values for name, values in cells.items() if len(set(values)) > 1}
    same = {name: values[0] for name, values in cells.items() if name not in varied}
    known = [f"{name} {value}" for name, value in same.items() if value != UNKNOWN]
    if known:
        parts += [f"The same for all: {', '.join(known)}.", ""]
    labels, models = _labels(variants)
    parts.append(ComparisonTable(labels, models, _verdicts(variants), varied))
    if reasons := list(_reasons(variants)):
        parts += ["", *reasons]
    for upgrade in upgrades:
        parts += ["", _upgrade(upgrade, variants)]
    return Group(*parts, "", Text(f"{MEANING}{_by_rules(variants)}"))


def _headline(variants: Sequence[Variant]) -> Text:
    known = [each.estimate for each in variants if each.estimate]
    judged = [answer.fits for answer in known if answer.fits is not None]
    if not known:
        return Text.assemble(("None of the estimates can be made.", ERROR))
    if not judged:
        return Text(f"{len(known)} estimates. Give --gpu NAME to know what fits.")
    fitting = sum(judged)
    colour = GOOD if fitting == len(variants) else WARNING if fitting else ERROR
    return Text.assemble((f"{fitting} of {len(variants)} fit.", colour))


def _cells(variants: Sequence[Variant]) -> dict[str, list[str]]:
    """The columns by name; a dash where nothing is known."""
    rows = [dict(_figures(each.estimate)) if each.estimate else {} for each in variants]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name, UNKNOWN) for row in rows] for name in names}


def _figures(estimate: Estimate) -> Iterator[tuple[str, str]]:
    capacity, cache = estimate.capacity, estimate.kv_cache
    starts = capacity is not None and capacity.fits
    longest = capacity.max_model_len_that_fits if capacity else 0
    yield "tokens", f"{capacity.tokens:,}" if capacity and starts else UNKNOWN
    yield "requests", f"{capacity.max_concurrency:.2f}" if capacity and starts else UNKNOWN
    yield "length", f"{estimate.settings.max_model_len:,}"
    yield "longest", f"{longest:,}" if longest else UNKNOWN
    yield "KV cache", size_text(capacity.pool_bytes or None if capacity else None)
    yield "weights", size_text(estimate.weights.bytes_per_gpu)
    yield "KV/token", size_text(cache.bytes_per_token_per_gpu)
    yield "KV/request", size_text(cache.bytes_per_request_per_gpu)


def _verdicts(variants: Sequence[Variant]) -> dict[str, list[Text]]:
    """The column of verdicts; none where all is answered and no memory is known."""
    if all(each.estimate and each.estimate.capacity is None for each in variants):
        return {}
    refused = Text("refused", style=ERROR)
    return {"verdict": [verdict_word(v.estimate) if v.estimate else refused for v in variants]}


def _labels(variants: Sequence[Variant]) -> tuple[dict[str, list[str]], list[str]]:
    """What tells the variants apart, and the models where they are one of these things."""
    models = [each.model for each in variants]
    labels = {
        "GPU": [each.gpu or UNKNOWN for each in variants],
        "vLLM": [each.vllm_version for each in variants],
    }
    varied = {name: values for name, values in labels.items() if len(set(values)) > 1}
    return varied, models if len(set(models)) > 1 else []


def _reasons(variants: Sequence[Variant]) -> Iterator[Text]:
    """Why some do not fit, and what would help."""
    labels, models = _labels(variants)
    named = [models, *labels.values()] if models else [*labels.values()]
    for index, variant in enumerate(variants):
        label = (", ".join(values[index] for values in named), NAME)
        answer = variant.estimate
        if variant.refusal is not None:
            hint = f" {variant.refusal.hint}" if variant.refusal.hint else ""
            yield Text.assemble(label, f": {variant.refusal.message}{hint}")
        elif answer is not None and answer.fits is False:
            yield Text.assemble(label, f": {way_out(answer)}")
        elif answer is not None and answer.changes_needed:
            yield Text.assemble(label, f": {answer.changes_needed[0]}")


def _by_rules(variants: Sequence[Variant]) -> str:
    versions = {variant.vllm_version for variant in variants}
    return f" By the rules of vLLM {versions.pop()}." if len(versions) == 1 else ""


def _upgrade(upgrade: Upgrade, variants: Sequence[Variant]) -> RenderableType:
    """What the releases in between change, step by step."""
    several_models = len({variant.model for variant in variants}) > 1
    several_gpus = len({variant.gpu for variant in variants}) > 1
    whose = f" for {upgrade.model}" if several_models else ""
    whose += f" on {upgrade.gpu}" if several_gpus else ""
    between = f"From vLLM {upgrade.oldest} to {upgrade.newest}{whose}"
    if not upgrade.changes:
        return Text(f"{between} none of these numbers changes.")
    table = Table.grid(padding=(0, 2))
    table.add_column(style=NAME, no_wrap=True)
    table.add_column()
    table.add_column(no_wrap=True)
    for change in upgrade.changes:
        table.add_row(f"  {change.since}", change.meaning, _moved(change))
    return Group(f"{between}:", table)


def _moved(change: Change) -> str:
    before, after = change.before, change.after
    if before.tokens != after.tokens and before.tokens is not None and after.tokens is not None:
        text = f"{before.tokens:,} to {after.tokens:,} tokens"
        if before.tokens:
            text += f" ({100 * (after.tokens / before.tokens - 1):+.1f} %)"
        return text
    if before.fits != after.fits:
        return "it fits" if after.fits else "it does not fit any more"
    sizes = [size_text(each.bytes_per_request) for each in (before, after)]
    return f"a request takes {sizes[1]} instead of {sizes[0]}"
