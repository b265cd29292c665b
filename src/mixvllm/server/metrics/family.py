"""Metrics as plain data, and the text in which Prometheus reads them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True)
class Sample:
    """One value.

    Attributes:
        value: The value.
        labels: What tells it from the others of its metric.
        suffix: What follows the metric's name: the parts of a histogram have one.
    """

    value: float
    labels: Mapping[str, str]
    suffix: str = ""


@dataclass(frozen=True)
class Family:
    """A metric with all its values."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


def gauge(name: str, help_: str, value: float | None, /, **labels: str) -> Family:
    """A gauge with one value, or without any where it is not known."""
    return Family(name, "gauge", help_, () if value is None else (Sample(value, labels),))


def counts(name: str, help_: str, label: str, values: Mapping[str, int]) -> Family:
    """A counter with a value for each of one label's."""
    samples = tuple(Sample(count, {label: key}) for key, count in values.items())
    return Family(name, "counter", help_, samples)


def as_text(families: Iterable[Family]) -> str:
    """Prometheus' text (exposition format 0.0.4); metrics without a value are left out."""
    return "".join(line for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for sample in family.samples:
        labels = ",".join(
            f'{key}="{text.translate(ESCAPES)}"' for key, text in sample.labels.items()
        )
        within = f"{{{labels}}}" if labels else ""
        yield f"{family.name}{sample.suffix}{within} {_number(sample.value)}\n"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)
