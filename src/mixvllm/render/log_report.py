"""A start-up log held against our estimate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mixvllm.memory.comparison import TermComparison
from mixvllm.render.memory import verdict
from mixvllm.render.memory_json import estimate_as_json
from mixvllm.render.theme import ERROR, GOOD, NAME, WARNING
from mixvllm.render.units import size_text
from mixvllm.sizing.logged import LogReport


def log_view(report: LogReport) -> RenderableType:
    """What the start was, every term, and what could not be told."""
    parts: list[RenderableType] = [*_verdict(report)]
    if report.terms:
        parts += ["", _terms(report.terms)]
    remarks = list(_remarks(report))
    return Group(*parts, *([""] if remarks else []), *remarks)


def _verdict(report: LogReport) -> Iterator[Text]:
    log = report.log
    name = (f"vLLM {log.version or '(version not told)'}", NAME)
    model = (report.model or "a model that the log does not name", NAME)
    starts = f" (the last of {report.starts} starts)" if report.starts > 1 else ""
    if log.failure is not None:
        yield Text.assemble(name, (" did not start ", ERROR), model, f"{starts}: ")
        yield Text(f"  {log.failure}")
        yield from _what_it_lacked(report)
    elif log.is_complete or "tokens" in log.measured:
        yield Text.assemble(name, (" started ", GOOD), model, starts, _how_close(report))
    else:
        where = f"{starts}: the log ends before its KV cache."
        yield Text.assemble(name, (" was starting ", WARNING), model, where)


def _how_close(report: LogReport) -> str:
    row = next((row for row in report.terms if row.term == "KV cache tokens"), None)
    if row is None or row.measured is None:
        return "."
    said = f": {row.measured:,.0f} tokens of KV cache"
    if row.predicted is None:
        return f"{said}."
    return f"{said}, {row.predicted:,.0f} predicted ({_percent(row)})."


def _what_it_lacked(report: LogReport) -> Iterator[Text]:
    measured = report.log.measured
    if "needed_gib" in measured:
        yield Text(
            f"  It needed {measured['needed_gib']:.2f} GiB of KV cache for "
            f"{measured['max_model_len']:,.0f} tokens and had {measured['available_gib']:.2f} GiB."
        )
    if report.estimate is not None and report.estimate.capacity is not None:
        yield Text.assemble("Our estimate: ", verdict(report.estimate))


def _terms(terms: tuple[TermComparison, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style=NAME, padding=(0, 2, 0, 0))
    table.add_column("term", overflow="fold")
    for name in ("predicted", "measured", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in terms:
        table.add_row(row.term, _value(row, row.predicted), _value(row, row.measured), _apart(row))
    return table


def _value(row: TermComparison, value: float | None) -> str:
    if value is None:
        return "-"
    if row.unit == "bytes":
        return f"-{size_text(-int(value))}" if value < 0 else size_text(int(value))
    return f"{value:,.0f}" if row.unit == "tokens" else f"{value:,.2f}"


def _apart(row: TermComparison) -> Text:
    if row.difference is None:
        return Text("-")
    if row.agrees is not None:
        words = "as printed" if row.agrees else f"another number ({_percent(row)})"
        return Text(words, style="" if row.agrees else WARNING)
    return Text(_percent(row))


def _percent(row: TermComparison) -> str:
    assert row.difference is not None
    if not row.measured:
        return "-"
    percent = 100 * row.difference / row.measured
    return "0.0 %" if abs(percent) < 0.05 else f"{percent:+.1f} %"


def _remarks(report: LogReport) -> Iterator[Text]:
    for each in report.contradictions:
        yield Text(each)
    if report.reason:
        whole = "" if report.estimate else "No estimate: "
        yield Text(f"{whole}{report.reason}")
    for each in report.assumed:
        yield Text(each)
    arguments = report.log.arguments
    if arguments is not None and arguments.unread:
        yield Text(f"Arguments that could not be read: {', '.join(arguments.unread)}.")
    if arguments is not None and arguments.is_cut:
        yield Text("The line with the arguments is cut off; what follows in it is not known.")
    if report.not_told:
        yield Text(f"The log does not tell: {', '.join(report.not_told)}.")


def log_as_json(report: LogReport) -> dict[str, Any]:
    """The same as data; sizes in bytes."""
    log = report.log
    return {
        "log": {
            "vllm_version": log.version,
            "model": report.model,
            "architecture": log.architecture,
            "gpu": log.gpu_name,
            "starts": report.starts,
            "complete": log.is_complete,
            "failure": log.failure,
            "unread_arguments": list(log.arguments.unread) if log.arguments else [],
            "arguments_cut": bool(log.arguments and log.arguments.is_cut),
        },
        "terms": [
            {
                "term": row.term.strip().removeprefix("of it "),
                "unit": row.unit,
                "predicted": row.predicted,
                "measured": row.measured,
                "difference": row.difference,
                "agrees": row.agrees,
            }
            for row in report.terms
        ],
        "not_told": list(report.not_told),
        "contradictions": list(report.contradictions),
        "assumed": list(report.assumed),
        "reason": report.reason,
        "estimate": report.estimate and estimate_as_json(report.estimate),
    }
