"""The picture of docs/architecture.md says what the table of tests/test_layers.py says."""

from __future__ import annotations

import re
from functools import cache

from tests.documents.blocks import FENCE, ROOT
from tests.test_layers import LEAVES, MAY_IMPORT, MODULES

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
[PICTURE] = [match["text"] for match in FENCE.finditer(PAGE) if match["language"] == "mermaid"]
ARROW = re.compile(r"(?P<start>\w+) (?P<line>--|-\.)(?: \w+ \W*)?-?> (?P<end>\w+)")
GROUP = re.compile(r"subgraph (?P<name>\w+)\[.*?\]\n(?P<members>.*?)\bend\b", re.S)
MEMBERS = {match["name"]: match["members"].split() for match in GROUP.finditer(PICTURE)}
# Not ours, and what holds the entry points together.
OUTSIDE, ENTRY = "vLLM", ("mixvllm", "mixvllm.__main__")
DATA = [name for name in MAY_IMPORT if name.startswith("mixvllm.vllm_internals.")]


def arrows() -> set[tuple[str, str, bool]]:
    """From, to, and whether it is dashed; one to a group leads to each of its members."""
    return {
        (match["start"], end, match["line"] == "-.")
        for match in ARROW.finditer(PICTURE)
        for end in MEMBERS.get(match["end"], [match["end"]])
    }


def node_of(module: str) -> str:
    """The node that stands for a module."""
    if module in LEAVES:
        return "leaves"
    return "data" if module in DATA else module.split(".")[1]


def table() -> dict[tuple[str, str], bool]:
    """What the table allows, node by node, and whether it is single modules alone."""
    allowed: dict[tuple[str, str], bool] = {}
    for rule, targets in MAY_IMPORT.items():
        for target in targets if rule not in (*ENTRY, "mixvllm.cli") else ():
            ends = (node_of(rule), node_of(target))
            if ends[0] != ends[1]:
                allowed[ends] = allowed.get(ends, True) and target.count(".") > 1
    return allowed


@cache
def reached_from(node: str) -> frozenset[str]:
    """Where the arrows lead from a node, directly or by way of others."""
    ends = {end for start, end, _ in arrows() if start == node}
    return frozenset(ends.union(*map(reached_from, ends)))


def test_every_package_stands_in_the_picture() -> None:
    words = set(re.findall(r"\w+", PICTURE))

    assert {name.split(".")[1] for name in MODULES if name not in ENTRY} <= words


def test_an_arrow_is_in_the_table_and_dashed_where_single_modules_are_meant() -> None:
    allowed = table()

    for start, end, is_dashed in arrows():
        if start != "cli" and end not in ("leaves", OUTSIDE):
            assert allowed.get((start, end)) is is_dashed, (start, end)


def test_what_the_table_allows_the_arrows_lead_to() -> None:
    assert [ends for ends in table() if ends[1] not in reached_from(ends[0])] == []


def test_no_way_leads_back_and_every_one_ends_at_the_leaves() -> None:
    for node in {start for start, _, _ in arrows()}:  # a circle would not end here
        assert "leaves" in reached_from(node)
