"""Samples of the classes that documents are made of."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import pytest

from mixvllm.cli.sample_values import samples


@dataclass(frozen=True)
class Inner:
    name: str
    count: int | None = None


@dataclass(frozen=True)
class Outer:
    share: float
    inner: tuple[Inner, ...]
    is_known: bool | None = None


def test_a_sample_has_everything_that_may_be_and_another_nothing() -> None:
    full, bare = samples(Outer)

    assert astuple(full) == (1.0, (("text", 1), ("text", None)), True)
    assert astuple(bare) == (1.0, (), None)


def test_a_type_that_no_document_has_is_said() -> None:
    @dataclass
    class Odd:
        odd: complex

    with pytest.raises(TypeError, match="no sample is known of"):
        samples(Odd)
