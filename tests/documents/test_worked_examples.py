"""docs/worked-examples.md: every line is calculated again, and held against `estimate-kv`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cli.command import Command
from tests.documents.blocks import ROOT

PAGE = (ROOT / "docs" / "worked-examples.md").read_text(encoding="utf-8")
# A sentence that names model and GPUs, and the calculation below it.
EXAMPLE = re.compile(
    r"`(?P<model>[\w.-]+/[\w.-]+)` on (?P<gpus>an?|\d+) (?P<gpu>[\w-]+)"
    r"(?:, (?P<length>[\d,]+)\s+tokens)?:\n\n(?P<rest>.*?)(?=`[\w.-]+/[\w.-]+` on |^## |\Z)",
    re.DOTALL | re.MULTILINE,
)
LINE = re.compile(r"^(?P<name>[^:\n]+): +(?P<left>.+) = (?P<right>[\d,.]+)$", re.MULTILINE)
# What a name is called in the JSON.
HELD = {
    "one token": ("kv_cache", "bytes_per_token"),
    "one token per GPU": ("kv_cache", "bytes_per_token_per_gpu"),
    "one request": ("kv_cache", "bytes_per_request"),
    "one request per GPU": ("kv_cache", "bytes_per_request_per_gpu"),
    "asked for": ("budget", "requested_bytes"),
    "pool": ("budget", "kv_cache_bytes"),
    "its blocks": ("num_blocks",),
    "its tokens": ("kv_cache_tokens",),
}
BLOCKS = ("blocks", "window", "full", "chunks", "text", "image", "compressed")
WORDS = re.compile(r"\b(?!ceil\b|floor\b|x\b)[a-zA-Z]+\b")


@dataclass(frozen=True)
class Example:
    """A calculation, and the command that it is held against."""

    arguments: tuple[str, ...]
    lines: tuple[tuple[str, str, str], ...]


def examples() -> Iterator[Example]:
    for match in EXAMPLE.finditer(PAGE):
        count = match["gpus"] if match["gpus"].isdigit() else "1"
        arguments = [match["model"], "--gpu", match["gpu"], "--gpus", count]
        if match["length"]:
            arguments += ["--max-model-len", match["length"].replace(",", "")]
        lines = tuple((m["name"], m["left"], m["right"]) for m in LINE.finditer(match["rest"]))
        yield Example(tuple(arguments), lines)


def value_of(text: str) -> float:
    """The value of what a line says, words left out: `2 x 8 heads` is 16."""
    plain = WORDS.sub("", re.sub(r"(?<=\d),(?=\d)", "", text)).replace(" x ", " * ")
    plain = re.sub(r",[\s,]*(?=[)+*/-]|$)", "", plain)
    assert re.fullmatch(r"(?:ceil|floor|[\d.\s()+*/-])+", plain), plain
    return float(eval(plain, {"ceil": math.ceil, "floor": math.floor}))


ALL = list(examples())


def test_there_is_an_example_for_each_kind_of_cache() -> None:
    assert len(ALL) == PAGE.count("\n```text\n") - 1  # one is worked in two parts
    assert len(ALL) == 10


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.arguments[0])
def test_a_line_is_right(example: Example) -> None:
    for name, left, right in example.lines:
        digits = len(right.partition(".")[2])
        assert round(value_of(left), digits) == value_of(right), f"{name}: {left} = {right}"


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.arguments[0])
def test_a_line_is_what_the_estimate_says(mixvllm: Command, example: Example) -> None:
    answer = mixvllm("estimate-kv", *example.arguments, "--json").json
    blocks = {group["blocks_per_request"] for group in answer["groups"]}
    pages = {group["page_bytes"] for group in answer["groups"]}
    held = 0
    for name, _, right in example.lines:
        value = value_of(right)
        if name in HELD:
            held += 1
            assert inner(answer, HELD[name]) == value, name
        elif name.startswith((*BLOCKS, "compressor")):
            assert value in blocks, name
        elif name.startswith("a page"):
            assert value in pages, name
        elif name == "at once":
            assert round(answer["max_concurrency"], 2) == value
    assert held >= 1


def inner(document: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        document = document[key]
    return document
