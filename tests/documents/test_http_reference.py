"""docs/http.md is what a server does."""

from __future__ import annotations

import json
import re

import pytest

from mixvllm.gpus.device import Gpu
from mixvllm.server.lifecycle import Phase
from mixvllm.server.metrics.gpu_readings import gpu_families
from mixvllm.server.metrics.route_names import OURS, TEMPLATES, VLLM
from tests.documents.blocks import ROOT, blocks
from tests.server.small_engine import running

FILE = ROOT / "docs" / "http.md"
GPU = Gpu(0, name="H100", memory_total_bytes=80, memory_used_bytes=8, utilization_percent=50)
PAGE = FILE.read_text(encoding="utf-8")


def section(title: str) -> str:
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match[1]


def named(title: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", section(title)))


def test_it_has_the_routes_of_the_gateway_and_of_vllm() -> None:
    ours = re.findall(r"^\| `GET (\S+)`", section("Routes of the gateway"), re.MULTILINE)

    assert sorted(ours) == sorted(OURS)
    assert named("Routes of vLLM") - {"route"} == {*VLLM, *TEMPLATES}


def test_it_has_the_phases_in_their_order() -> None:
    assert re.findall(r"`(\w+)`", section("Phases")) == list(Phase)


@pytest.mark.anyio
async def test_status_and_the_first_error_have_the_keys_that_are_shown() -> None:
    status, error = (json.loads(block.text) for block in blocks(FILE) if block.language == "json")
    async with running() as server:
        await server.reach(Phase.LOADING)
        refused = (await server.client.post("/v1/completions", json={})).json()
        await server.ready()
        answered = (await server.client.get("/status")).json()

    assert answered.keys() == status.keys()
    assert answered["settings"].keys() == status["settings"].keys()
    assert answered["kv_cache"].keys() == status["kv_cache"].keys()
    assert answered["versions"].keys() == status["versions"].keys()
    assert refused.keys() == error.keys()
    assert refused["error"].keys() == error["error"].keys()
    assert refused["error"]["type"] == error["error"]["type"]


@pytest.mark.anyio
async def test_it_has_every_metric_with_its_type_and_labels() -> None:
    shown = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in re.findall(
            r"^\| `(mixvllm_\w+)` \| (\w+) \|(.*)\|$", section("Metrics"), re.MULTILINE
        )
    }
    async with running() as server:
        await server.ready()
        await server.client.get("/live")
        families = [*server.supervisor.metrics.families(), *gpu_families((GPU,))]

    assert {family.name: family.kind for family in families} == {
        name: kind for name, (kind, _) in shown.items()
    }
    for family in families:
        labels = {label for sample in family.samples for label in sample.labels}
        assert labels <= shown[family.name][1], family.name
