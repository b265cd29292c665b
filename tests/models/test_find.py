from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mixvllm.errors import ModelError
from mixvllm.models.find import find_model, nearest_names, with_near_names
from mixvllm.models.names import is_gguf
from tests.models.files import write_safetensors

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 1,
    "vocab_size": 100,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
TENSORS = {
    "model.embed_tokens.weight": ("BF16", [100, 64]),
    "lm_head.weight": ("BF16", [100, 64]),
    "model.layers.0.self_attn.q_proj.weight": ("BF16", [64, 64]),
    "model.layers.0.self_attn.k_proj.weight": ("BF16", [32, 64]),
    "model.layers.0.mlp.up_proj.weight": ("BF16", [128, 64]),
    "model.layers.0.input_layernorm.weight": ("BF16", [64]),
    "model.layers.1.mlp.up_proj.weight": ("BF16", [128, 64]),
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


def test_a_directory_answers_with_the_weights_of_its_files(directory: Path) -> None:
    write_safetensors(directory / "model.safetensors", TENSORS)
    found = find_model(str(directory))
    assert found.source == "local directory"
    assert found.weights is not None
    assert found.weights.source == "safetensors headers"
    # A tied head that is stored all the same is not loaded, and layer 1 is a draft's.
    assert found.weights.groups == {
        "embeddings": 12800,
        "attention": 8192 + 4096,
        "mlp": 16384,
        "norms": 128,
        "draft": 16384,
    }
    assert found.weights.total_bytes == 12800 + 12288 + 16384 + 128
    assert found.weights.kv_projection_bytes == 4096
    assert found.description.parameters == found.weights.total_bytes // 2


def test_shards_are_those_of_the_index(directory: Path) -> None:
    names = list(TENSORS)
    write_safetensors(directory / "a.safetensors", {n: TENSORS[n] for n in names[:3]})
    write_safetensors(directory / "b.safetensors", {n: TENSORS[n] for n in names[3:]})
    write_safetensors(directory / "left-over.safetensors", TENSORS)
    index = {
        "weight_map": {n: "a.safetensors" if n in names[:3] else "b.safetensors" for n in names}
    }
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    weights = find_model(str(directory)).weights
    assert weights is not None
    assert weights.total_bytes == 12800 + 12288 + 16384 + 128


def test_without_its_shards_the_index_tells_the_size(directory: Path) -> None:
    index = {"metadata": {"total_size": 123456}, "weight_map": {"a": "missing.safetensors"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    weights = find_model(str(directory)).weights
    assert weights is not None
    assert (weights.total_bytes, weights.source) == (123456, "index")


def test_without_any_weights_the_formula_tells_their_size(directory: Path) -> None:
    weights = find_model(str(directory)).weights
    assert weights is not None
    assert weights.source == "formula"
    assert weights.total_bytes == 2 * (100 * 64 + 64 * 64 * 3 + 3 * 64 * 128 + 3 * 64)


def test_a_broken_weight_file_is_an_error(directory: Path) -> None:
    (directory / "model.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match="no whole safetensors file"):
        find_model(str(directory))


def test_an_index_cannot_lead_out_of_its_directory(directory: Path) -> None:
    index = {"weight_map": {"a": "../../etc/passwd"}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match="outside its directory"):
        find_model(str(directory))


def test_a_config_file_alone_is_enough_and_modelopts_file_beside_it_counts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(CONFIG))
    (tmp_path / "tiny.hf_quant_config.json").write_text(
        json.dumps({"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}})
    )
    found = find_model(str(path))
    assert found.source == "config file"
    assert (found.description.quantization, found.description.kv_cache_dtype) == ("modelopt", "fp8")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("[]", "does not hold an object"), ("[" * 100_000, "is not JSON")],
)
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ModelError, match=said):
        find_model(str(path))


def test_a_directory_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        find_model(str(tmp_path))


def test_a_path_to_nothing_and_a_file_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is nothing at"):
        find_model(str(tmp_path / "none"))
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"neither a config .* nor a GGUF"):
        find_model(str(tmp_path / "model.bin"))


def test_the_catalogue_answers_before_any_network() -> None:
    found = find_model("microsoft/Phi-3-mini-4k-instruct")
    assert found.source == "catalogue"
    assert found.description.parameters == 3_821_079_552


def test_the_demo_is_the_catalogues_smollm2() -> None:
    assert find_model("demo").origin == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_a_name_that_is_nowhere_is_told_with_those_close_to_it() -> None:
    with pytest.raises(ModelError, match="neither on this machine nor in the catalogue") as raised:
        find_model("openai/gpt-os-20b", may_ask_the_hub=False)
    assert "openai/gpt-oss-20b" in (raised.value.hint or "")


def test_a_name_without_its_owner_is_close_to_the_whole_one() -> None:
    assert nearest_names("GPT-oss-20b") == ["openai/gpt-oss-20b"]
    assert nearest_names("gpt-oss-2b")[0] == "openai/gpt-oss-20b"


def test_a_name_without_its_owner_is_told_with_the_whole_one() -> None:
    with pytest.raises(ModelError) as raised:
        find_model("gpt-oss-20b", may_ask_the_hub=False)

    assert str(raised.value.hint).startswith("Did you mean openai/gpt-oss-20b")


def test_a_known_name_is_not_told_as_another_and_the_code_stays() -> None:
    refused = ModelError("It is gated.", code="gated-model")

    assert with_near_names(refused, "openai/gpt-oss-20b") is refused
    assert str(with_near_names(refused, "openai/gpt-oss-20").code) == "gated-model"


@pytest.mark.parametrize("name", ["serving.yaml", "serving.yml"])
def test_a_config_file_given_as_a_model_is_told_where_it_belongs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("model: {name: demo}\n")

    with pytest.raises(ModelError, match=f"{name} is a config file, not a model") as raised:
        find_model(name)

    assert raised.value.hint == f"Give it as `--config {name}`."


@pytest.mark.parametrize("form", ["Q8_0", "Q4_K_M", "IQ2_XXS", "TQ1_0", "BF16", "UD-Q4_K_XL"])
def test_a_gguf_file_on_the_hub_is_known_by_its_name_and_not_read(form: str) -> None:
    name = f"Qwen/Qwen3-0.6B-GGUF:{form}"

    assert is_gguf(name)
    with pytest.raises(ModelError, match="is a GGUF file on the hub"):
        find_model(name)


@pytest.mark.parametrize("name", ["library/qwen3:8b", "a/b:latest", "a/b", "./a:Q4_0", "qwen:Q4_0"])
def test_other_names_are_none_of_a_gguf_file(name: str) -> None:
    assert not is_gguf(name)


def test_every_format_that_the_gguf_package_names_is_known() -> None:
    gguf = pytest.importorskip("gguf")
    formats = [each.name.removeprefix("MOSTLY_") for each in gguf.LlamaFileType]

    assert [each for each in formats if not is_gguf(f"a/b:{each}")] in (["ALL_F32", "GUESSED"],)
