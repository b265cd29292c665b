"""Mermaid's flow charts in words, for terminals."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

NODE = re.compile(r'(?P<name>\w+)(?:[\[({]+"?(?P<label>[^\])}"]+)"?[\])}]+)?')
ARROW = re.compile(r"\s*(?:-->|-\.->|==>)\s*(?:\|(?P<label>[^|]*)\|)?\s*")
GROUP = re.compile(r'subgraph \w+(?:\["?(?P<label>[^"\]]+)"?\])?')
BREAK = re.compile(r"<br\s*/?>")


@dataclass(frozen=True)
class Arrow:
    """From one node to another, with what is written at it, in a group of nodes or in none."""

    start: str
    end: str
    label: str = ""
    group: str = ""


def lines_of(source: str) -> tuple[str, ...]:
    """A line for each way through the chart: `one --> two --yes--> three`.

    A way ends where it parts or where another has been before; each part begins a line of its own,
    with the group that it is in, if any.
    """
    labels: dict[str, str] = {}
    arrows: list[Arrow] = []
    group = ""
    for line in map(str.strip, source.splitlines()[1:]):
        if begins := GROUP.match(line):
            group = begins["label"] or ""
        elif line == "end":
            group = ""
        else:
            arrows += (replace(arrow, group=group) for arrow in _arrows(line, labels))
    waiting = list(arrows)
    ways = []
    while waiting:
        way = [waiting.pop(0)]
        while following := [arrow for arrow in waiting if arrow.start == way[-1].end]:
            leaving = [arrow for arrow in arrows if arrow.start == way[-1].end]
            if len(leaving) > 1:
                break
            way.append(following[0])
            waiting.remove(following[0])
        ways.append(_way(way, labels))
    return tuple(ways)


def _arrows(line: str, labels: dict[str, str]) -> list[Arrow]:
    """The arrows of one line, `a --> b --> c`; labels of nodes are kept."""
    found: list[Arrow] = []
    before, label, at = "", "", 0
    while node := NODE.match(line, at):
        name = node["name"]
        labels.setdefault(name, name)
        if node["label"]:
            labels[name] = BREAK.sub(" ", node["label"]).strip()
        if before:
            found.append(Arrow(before, name, label))
        arrow = ARROW.match(line, node.end())
        if not arrow:
            break
        before, label, at = name, (arrow["label"] or "").strip(), arrow.end()
    return found


def _way(way: list[Arrow], labels: dict[str, str]) -> str:
    parts = [f"{way[0].group}:"] if way[0].group else []
    parts.append(labels[way[0].start])
    for arrow in way:
        parts.append(f"--{arrow.label}-->" if arrow.label else "-->")
        parts.append(labels[arrow.end])
    return " ".join(parts)
