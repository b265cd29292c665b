"""The answers as tables in Markdown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.calculators.probes.asked import Answer
from benchmarks.calculators.question import Subject

# Below this share of the truth a difference is a matter of printed decimals.
NOT_TOLD = 0.0005
TRUTH = "vLLM"
OURS = "mixvllm"
# The longest words that are quoted.
QUOTED = 100


@dataclass(frozen=True)
class Row:
    """A calculator and its answers, by the subject's name."""

    label: str
    answers: Mapping[str, Answer]


def tables(subjects: Sequence[Subject], truth: Row, ours: Row, others: Sequence[Row]) -> str:
    """Both tables, and what the refusals say."""
    cache = table(subjects, truth, ours, others, "kv_bytes")
    weights = table(subjects, truth, ours, others, "weights_bytes")
    return "\n\n".join((cache, weights, "\n".join(refusals(subjects, others))))


def table(
    subjects: Sequence[Subject], truth: Row, ours: Row, others: Sequence[Row], quantity: str
) -> str:
    """One quantity: bytes of vLLM and ours, the others as a share of vLLM's."""
    lines = [["", *(subject.short for subject in subjects)], ["---"] * (len(subjects) + 1)]
    if quantity == "kv_bytes":
        lines.append(["", *(subject.family for subject in subjects)])
    lines += [
        [row.label, *(in_bytes(row.answers[subject.name], quantity) for subject in subjects)]
        for row in (truth, ours)
    ]
    for row in others:
        cells = [
            compared(row.answers[subject.name], truth.answers[subject.name], subject, quantity)
            for subject in subjects
        ]
        if any(cell not in ("-", "refuses") for cell in cells):
            lines.append([row.label, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def in_bytes(answer: Answer, quantity: str) -> str:
    """The number, with separators."""
    value = getattr(answer, quantity)
    return "-" if value is None else f"{value:,.0f}"


def compared(answer: Answer, truth: Answer, subject: Subject, quantity: str) -> str:
    """The answer as a multiple of the truth."""
    if answer.error:
        return "refuses"
    value, right = getattr(answer, quantity), getattr(truth, quantity)
    if value is None or right is None:
        return "-"
    ratio = value / (subject.ranks if answer.is_whole else 1) / right
    if ratio == 0:
        return "0"
    if abs(ratio - 1) <= NOT_TOLD:
        return "right"
    return f"{ratio:.1f}x" if ratio >= 10 else f"{ratio:.2f}x"


def refusals(subjects: Iterable[Subject], rows: Iterable[Row]) -> Iterator[str]:
    """Each calculator's words, with the models that they were said of."""
    by_name = {subject.name: subject.short for subject in subjects}
    for row in rows:
        said: dict[str, list[str]] = defaultdict(list)
        for name, answer in row.answers.items():
            if answer.error:
                said[quoted(answer.error)].append(by_name[name])
        if said:
            words = "; ".join(f"{', '.join(names)}: `{text}`" for text, names in said.items())
            yield f"- {row.label}: {words}"


def quoted(words: str) -> str:
    """Words on one line, shortened and without names, so that equal refusals are told once."""
    line = re.sub("'[^']*'", "'...'", " ".join(words.replace("`", "'").split()))
    return line if len(line) <= QUOTED else f"{line[:QUOTED]} ..."
