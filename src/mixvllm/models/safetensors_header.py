"""The header of a safetensors file: names, number formats and shapes, never a weight.

Everything the header claims is checked against the file's size before it is believed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final

from mixvllm.errors import ModelError

LENGTH_BYTES: Final = 8
# The format's own limit.
LARGEST_HEADER: Final = 100_000_000
# "version https://git-lfs.github.com/spec/v1": what a clone without LFS has in place of a file.
LFS_POINTER: Final = b"version "
MOST_DIMENSIONS: Final = 16
BITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}

# Gives the bytes from an offset on, as many as are asked for or fewer at the end.
ReadBytes = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Tensor:
    """One tensor as the header has it."""

    number_format: str
    shape: tuple[int, ...]
    size_bytes: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def read_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        ModelError: the file cannot be read, or is not what its format says.
    """
    try:
        with path.open("rb") as file:

            def read(offset: int, count: int) -> bytes:
                file.seek(offset)
                return file.read(count)

            return read_header(read, path.stat().st_size, str(path))
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}.", code="model-unreadable"
        ) from error


def read_header(read: ReadBytes, file_bytes: int, name: str) -> dict[str, Tensor]:
    """The tensors of a file that is reached through `read`.

    Args:
        read: Gives parts of the file.
        file_bytes: How long the file is.
        name: What to call it in messages.

    Raises:
        ModelError: it is not what its format says.
    """
    beginning = read(0, LENGTH_BYTES)
    if beginning == LFS_POINTER:
        raise ModelError(
            f"{name} is a pointer of Git LFS, not the weights.",
            hint="Run `git lfs pull` in its directory.",
            code="model-incomplete",
        )
    length = int.from_bytes(beginning, "little")
    if file_bytes < LENGTH_BYTES or not 2 <= length <= file_bytes - LENGTH_BYTES:
        raise _broken(name, f"its header would be {length} bytes long, of {file_bytes} in all")
    if length > LARGEST_HEADER:
        raise _broken(name, f"its header of {length} bytes is larger than the format allows")
    text = read(LENGTH_BYTES, length)
    if len(text) < length:
        raise _broken(name, "it ends within its header")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(name, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise _broken(name, "its header is not an object")
    data_bytes = file_bytes - LENGTH_BYTES - length
    return {
        key: _tensor(name, key, value, data_bytes)
        for key, value in header.items()
        if key != "__metadata__"
    }


def _tensor(name: str, key: str, value: object, data_bytes: int) -> Tensor:
    if not isinstance(value, dict):
        raise _broken(name, f"the entry of {key} is not an object")
    number_format = value.get("dtype")
    if not isinstance(number_format, str) or number_format not in BITS:
        raise _broken(name, f"{key} has the unknown number format {number_format!r:.40}")
    shape, span = _sizes(value.get("shape")), _sizes(value.get("data_offsets"))
    if shape is None or span is None or len(span) != 2:
        raise _broken(name, f"{key} has no shape or no place")
    begin, end = span
    if not begin <= end <= data_bytes or 8 * (end - begin) != prod(shape) * BITS[number_format]:
        raise _broken(name, f"{key} does not fit its place in the file")
    return Tensor(number_format, shape, end - begin)


def _sizes(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or len(value) > MOST_DIMENSIONS:
        return None
    sizes = tuple(item for item in value if type(item) is int and 0 <= item < 1 << 62)
    return sizes if len(sizes) == len(value) else None


def _broken(name: str, what: str) -> ModelError:
    return ModelError(f"{name} is no whole safetensors file: {what}.", hint="Fetch the file again.")
