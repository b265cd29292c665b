"""Directories that lack what vLLM will load."""

import json
from pathlib import Path

import pytest

from mixvllm.errors import ModelError
from mixvllm.models.completeness import check_tokenizer, check_weights

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def weights(path: Path, *, cut: int = 0) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    path.write_bytes((len(header).to_bytes(8, "little") + header + bytes(8))[: -cut or None])


def index(directory: Path) -> None:
    listed = {"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(listed))


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    index(tmp_path)
    weights(tmp_path / SHARDS[0])

    with pytest.raises(ModelError, match=f"lacks 1 of its 2 files of weights: {SHARDS[1]}"):
        check_weights(tmp_path)


def test_all_of_them_pass(tmp_path: Path) -> None:
    index(tmp_path)
    for name in SHARDS:
        weights(tmp_path / name)

    check_weights(tmp_path)


def test_a_file_that_was_cut_short_is_named(tmp_path: Path) -> None:
    weights(tmp_path / "model.safetensors", cut=3)

    with pytest.raises(ModelError, match=r"model\.safetensors is no whole safetensors file"):
        check_weights(tmp_path)


def test_a_pointer_of_git_lfs_is_no_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")

    with pytest.raises(ModelError, match="pointer of Git LFS"):
        check_weights(tmp_path)


def test_no_weights_at_all_are_told_with_how_to_go_without(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no weights") as raised:
        check_weights(tmp_path)

    assert "--load-format dummy" in (raised.value.hint or "")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.gguf"])
def test_other_formats_are_weights_too(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    check_weights(tmp_path)


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "qwen.tiktoken"]
)
def test_any_form_of_a_tokenizer_is_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    check_tokenizer(tmp_path)


def test_a_directory_without_a_tokenizer_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()

    with pytest.raises(ModelError, match="has no tokenizer") as raised:
        check_tokenizer(tmp_path)

    assert "--tokenizer" in (raised.value.hint or "")
