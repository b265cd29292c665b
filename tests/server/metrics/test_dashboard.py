"""What the dashboard and the alerts ask for is there, by these very names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mixvllm.server.metrics.family import Family
from tests.server.small_engine import running

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
ALERTS = ROOT / "deploy" / "prometheus-alerts.yaml"
VLLM_METRICS = Path(__file__).parent / "vllm_metrics.txt"
NAME = re.compile(r"\b(?:mixvllm_|vllm:)\w+")


async def test_every_metric_that_is_asked_for_is_exported_by_us_or_by_vllm() -> None:
    async with running() as server:
        ours = {each for f in server.supervisor.metrics.families() for each in names(f)}
    theirs = set(VLLM_METRICS.read_text().split())

    asked = {name for text in questions() for name in NAME.findall(text)}
    assert len(asked) > 20
    assert asked - ours - theirs == set()
    assert theirs - asked == set(), "a name of vLLM's that nothing asks for needs no watching"


async def test_every_metric_of_ours_has_a_place_on_the_dashboard() -> None:
    async with running() as server:
        families = list(server.supervisor.metrics.families())

    shown = " ".join(questions())
    assert [family.name for family in families if family.name not in shown] == []


def names(family: Family) -> Iterator[str]:
    parts = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
    yield from (family.name + part for part in parts)


def questions() -> Iterator[str]:
    """Every query of both files."""
    dashboard = json.loads(DASHBOARD.read_text())
    for variable in dashboard["templating"]["list"]:
        query = variable["query"]
        yield query if isinstance(query, str) else query["query"]
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (rule["expr"] for rule in alerts())


def alerts() -> list[dict[str, Any]]:
    [group] = YAML(typ="safe").load(ALERTS.read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def test_no_panel_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        places = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not places & taken, panel["title"]
        taken |= places
