"""The catalogue against what vLLM 0.32.0 builds of the same configs, without weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mixvllm.models.build_catalogue import entries
from mixvllm.models.description import (
    ChunkedLocal,
    FullAttention,
    GatedDeltaNet,
    LatentAttention,
    Layer,
    Mamba1,
    Mamba2,
    SlidingWindow,
)
from mixvllm.models.sources import catalogue, catalogue_file
from mixvllm.models.sources.catalogue import CatalogueEntry, packed, unpacked

BUILT = json.loads((Path(__file__).parents[1] / "vllm_builds.json").read_text(encoding="utf-8"))
CONFIGS = Path(__file__).parents[4] / "shared" / "data" / "model_configs"

NAMED_IN_EXAMPLES = (
    "microsoft/Phi-3-mini-4k-instruct",
    "codellama/CodeLlama-13b-hf",
    "meta-llama/Llama-2-13b-chat-hf",
    "TheBloke/Llama-2-13B-chat-AWQ",
    "meta-llama/Llama-3.3-70B-Instruct",
    "openai/gpt-oss-20b",
    "HuggingFaceTB/SmolLM2-135M-Instruct",
)


def as_built(layer: Layer) -> str | None:
    """A layer in the words of `vllm_builds.json`; None where vLLM keeps no cache for it."""
    match layer:
        case FullAttention():
            return f"full {layer.kv_heads} {layer.key_size} {layer.value_size}"
        case SlidingWindow():
            return f"window {layer.kv_heads} {layer.key_size} {layer.value_size} {layer.window}"
        case ChunkedLocal():
            return f"chunk {layer.kv_heads} {layer.key_size} {layer.value_size} {layer.chunk}"
        case LatentAttention():
            return f"latent {layer.latent_size + layer.rope_size}"
        case Mamba1() | Mamba2() | GatedDeltaNet():
            return f"state {state_shapes(layer)}".replace(" ", "").replace("state", "state ")
        case _:
            return None


def state_shapes(layer: Mamba1 | Mamba2 | GatedDeltaNet) -> tuple[tuple[int, ...], ...]:
    taps = layer.conv_kernel - 1
    match layer:
        case Mamba1():
            return ((taps, layer.inner_size), (layer.inner_size, layer.state_size))
        case Mamba2():
            mixed = layer.heads * layer.head_size + 2 * layer.groups * layer.state_size
            return ((taps, mixed), (layer.heads, layer.head_size, layer.state_size))
        case GatedDeltaNet():
            mixed = 2 * layer.key_heads * layer.key_size + layer.value_heads * layer.value_size
            return ((taps, mixed), (layer.value_heads, layer.value_size, layer.key_size))


def found(name: str) -> CatalogueEntry:
    entry = catalogue.look_up(name)
    assert entry is not None, f"{name} is not in the catalogue"
    return entry


@pytest.mark.parametrize("name", BUILT)
def test_a_model_is_described_as_vllm_builds_it(name: str) -> None:
    model, built = found(name).description, BUILT[name]
    assert Counter(filter(None, map(as_built, model.layers))) == built["layers"]
    assert model.default_length == built["length"]
    assert model.dtype == built["dtype"]
    assert model.vocab_size == built["vocabulary"]


@pytest.mark.parametrize("name", BUILT)
def test_parameters_by_formula_are_those_that_vllm_builds(name: str) -> None:
    weights = found(name).weights
    if weights is not None and weights.source == "formula":
        # vLLM pads vocabularies to multiples of 64.
        assert weights.parameters == pytest.approx(BUILT[name]["parameters"], rel=6e-4)


def test_there_are_the_models_of_every_example() -> None:
    assert len(catalogue_file.names()) >= 200
    for name in NAMED_IN_EXAMPLES:
        assert found(name).weights is not None


def test_a_name_is_found_in_any_case_and_an_unknown_one_is_none() -> None:
    assert found("OPENAI/GPT-OSS-20B").description.name == "openai/gpt-oss-20b"
    assert catalogue.look_up("nobody/nothing") is None


def test_weights_by_group_are_the_whole() -> None:
    weights = [found(name).weights for name in catalogue_file.names()]
    by_formula = [facts for facts in weights if facts is not None and facts.groups]
    assert len(by_formula) > 190
    assert [sum(facts.groups.values()) for facts in by_formula] == [
        facts.total_bytes for facts in by_formula
    ]


def test_what_is_packed_comes_back_the_same() -> None:
    for name in catalogue_file.names():
        entry = found(name)
        assert unpacked(name, json.loads(json.dumps(packed(entry)))) == entry


def test_the_catalogue_is_what_its_builder_writes() -> None:
    if not CONFIGS.is_dir():
        pytest.skip(f"the published configs are not at {CONFIGS}")
    made = {name: entry for name, entry in entries(CONFIGS) if isinstance(entry, CatalogueEntry)}
    assert {name: found(name) for name in catalogue_file.names()} == made


def test_looking_up_a_model_loads_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys; from mixvllm.models.sources import catalogue;"
        "catalogue.look_up('openai/gpt-oss-20b');"
        "print([m for m in ('torch', 'pydantic', 'numpy', 'transformers') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stderr
