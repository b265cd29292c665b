from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixvllm.errors import ModelError
from mixvllm.models.safetensors_header import Tensor, read_file, read_header
from tests.models.files import safetensors, write_safetensors

GOOD = {"a.weight": ("BF16", [4, 8]), "b.scale": ("F32", [2])}


def tensors_of(content: bytes, claimed: int | None = None) -> dict[str, Tensor]:
    return read_header(
        lambda offset, count: content[offset : offset + count], claimed or len(content), "it"
    )


def with_header(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(64)


def test_a_file_tells_its_tensors(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "m.safetensors", GOOD)
    assert read_file(tmp_path / "m.safetensors") == {
        "a.weight": Tensor("BF16", (4, 8), 64),
        "b.scale": Tensor("F32", (2,), 8),
    }


def test_the_metadata_is_no_tensor() -> None:
    header = {"__metadata__": {"format": "pt"}}
    assert tensors_of(with_header(header)) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "0 bytes long"),
        (b"abc", "3 in all"),
        (struct.pack("<Q", 10**12) + bytes(100), "1000000000000 bytes long, of 108"),
        (safetensors(GOOD)[:40], "bytes long, of 40"),
        (struct.pack("<Q", 4) + b"{bad" + bytes(8), "not JSON"),
        (struct.pack("<Q", 4) + b"[42]" + bytes(8), "not an object"),
        (with_header({"a": 5}), "not an object"),
        (with_header({"a": {"dtype": "F13", "shape": [1], "data_offsets": [0, 1]}}), "'F13'"),
        (with_header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}), "no shape"),
        (with_header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}), "no place"),
        (with_header({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}), "not fit"),
        (
            with_header({"a": {"dtype": "F32", "shape": [1000], "data_offsets": [0, 4000]}}),
            "not fit",
        ),
    ],
)
def test_a_header_that_lies_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ModelError, match="no whole safetensors file") as raised:
        tensors_of(content)
    assert said in raised.value.message


def test_a_header_of_a_terabyte_is_not_read_even_from_a_file_that_large() -> None:
    asked: list[int] = []

    def read(offset: int, count: int) -> bytes:
        asked.append(count)
        return struct.pack("<Q", 10**12)

    with pytest.raises(ModelError, match="larger than the format allows"):
        read_header(read, 2 * 10**12, "it")
    assert asked == [8]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        read_file(tmp_path / "none.safetensors")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["F32", "BF16"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dtype", "shape", "data_offsets", "a"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(JSON.map(with_header) | st.binary(max_size=40))
def test_whatever_a_file_holds_it_is_read_or_refused(content: bytes) -> None:
    try:
        tensors = tensors_of(content)
    except ModelError:
        return
    assert sum(tensor.size_bytes for tensor in tensors.values()) <= len(content) * len(tensors)
