from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixvllm.errors import ModelError
from mixvllm.models.description import FullAttention, SlidingWindow
from mixvllm.models.gguf_header import read_gguf_header
from mixvllm.models.sources.gguf_model import found_in_gguf
from tests.models.files import gguf

METADATA: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "llama.context_length": 4096,
    "llama.feed_forward_length": 128,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
}
TENSORS = {
    "token_embd.weight": [64, 3],
    "blk.0.attn_q.weight": [64, 64],
    "blk.0.attn_output.weight": [64, 64],
    "blk.0.ffn_up.weight": [64, 128],
    "blk.0.attn_norm.weight": [64],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(METADATA, TENSORS))
    return path


def test_a_file_is_described_by_its_metadata(file: Path) -> None:
    found = found_in_gguf(file, "mine")
    assert found.description.layers == (FullAttention(2, 16, 16),) * 2
    assert (found.description.context_length, found.description.vocab_size) == (4096, 3)
    assert found.description.quantization == "gguf"
    assert found.source == "GGUF file"


def test_its_weights_are_those_of_its_tensors(file: Path) -> None:
    weights = found_in_gguf(file, "mine").weights
    assert weights is not None
    assert weights.groups == {
        "embeddings": 2 * 192,
        "attention": 2 * 2 * 4096,
        "mlp": 2 * 8192,
        "norms": 2 * 64,
    }
    assert weights.parameters == 192 + 2 * 4096 + 8192 + 64


def test_a_window_is_taken_from_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / "phi.gguf"
    metadata = {
        key.replace("llama", "phi3"): "phi3" if value == "llama" else value
        for key, value in METADATA.items()
    }
    path.write_bytes(gguf({**metadata, "phi3.attention.sliding_window": 2047}, TENSORS))
    assert found_in_gguf(path, "phi").description.layers[0] == SlidingWindow(2, 16, 16, 2047)


def test_a_model_that_was_split_is_weighed_whole(tmp_path: Path) -> None:
    whole = tmp_path / "m.gguf"
    whole.write_bytes(gguf(METADATA, TENSORS))
    names = list(TENSORS)
    for number, kept in ((1, names[:2]), (2, names[2:])):
        part = gguf(METADATA if number == 1 else {}, {name: TENSORS[name] for name in kept})
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(part)

    for number in (1, 2):
        found = found_in_gguf(tmp_path / f"m-0000{number}-of-00002.gguf", "m")
        assert found.weights == found_in_gguf(whole, "m").weights
        assert found.description == found_in_gguf(whole, "m").description

    (tmp_path / "m-00001-of-00002.gguf").unlink()
    with pytest.raises(ModelError, match=r"m-00001-of-00002\.gguf is not beside it"):
        found_in_gguf(tmp_path / "m-00002-of-00002.gguf", "m")


def test_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(gguf({"general.architecture": "rwkv7"}, {}))
    with pytest.raises(ModelError, match="'rwkv7', whose GGUF metadata is not known"):
        found_in_gguf(path, "odd")


def test_a_file_cut_off_anywhere_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(0, len(whole), 37):
        file.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="no whole GGUF file"):
            read_gguf_header(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=6))
def test_whatever_bytes_are_wrong_it_is_read_or_refused(
    file: Path, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(gguf(METADATA, TENSORS))
    for place, value in changes:
        content[place] = value
    broken = file.with_name("broken.gguf")
    broken.write_bytes(content)
    try:
        found = found_in_gguf(broken, "broken")
    except ModelError:
        return
    assert found.description.layers
