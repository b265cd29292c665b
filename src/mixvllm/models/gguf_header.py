"""The header of a GGUF file: its metadata and its tensors, never a weight.

Our own reader of a few lines, because the `gguf` package brings numpy and maps the whole file;
each length that the file claims is checked against what is left of it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

from mixvllm.errors import ModelError

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
MOST_KEYS: Final = 65_536
MOST_TENSORS: Final = 1_000_000
LONGEST_TEXT: Final = 1 << 24
MOST_DIMENSIONS: Final = 8
# Formats of a single value by GGUF's number for its type; 8 is text and 9 a list.
SCALARS: Final[Mapping[int, str]] = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
TEXT: Final = 8
LIST: Final = 9
# Elements and bytes of a block, by GGML's number for the type.
BLOCKS: Final[Mapping[int, tuple[int, int]]] = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}


@dataclass(frozen=True)
class GgufHeader:
    """What a header tells.

    Attributes:
        metadata: Values by key; of a list only its length is kept.
        tensor_bytes: Size of each tensor by name.
        parameters: Elements of all tensors.
    """

    metadata: Mapping[str, object]
    tensor_bytes: Mapping[str, int]
    parameters: int


@dataclass(frozen=True)
class ListLength:
    """A list that was passed over."""

    length: int


def read_gguf_header(path: Path) -> GgufHeader:
    """The header of a file.

    Raises:
        ModelError: the file cannot be read, or is not what its format says.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file, path).header()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.") from error


class _Reader:
    """Reads value after value, never beyond the end."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file = file
        self.path = path
        self.left = path.stat().st_size

    def header(self) -> GgufHeader:
        if self.take(4) != MAGIC:
            raise self.broken("it does not begin with GGUF")
        if (version := self.whole("<I")) not in VERSIONS:
            raise self.broken(f"its version {version} is not known here")
        tensors, keys = self.whole("<Q"), self.whole("<Q")
        if tensors > MOST_TENSORS or keys > MOST_KEYS:
            raise self.broken(f"it would have {tensors} tensors and {keys} keys")
        metadata = {}
        for _ in range(keys):
            key = self.text()
            metadata[key] = self.value(self.whole("<I"))
        return self.with_tensors(metadata, tensors)

    def with_tensors(self, metadata: Mapping[str, object], count: int) -> GgufHeader:
        sizes, parameters = {}, 0
        for _ in range(count):
            name, dimensions = self.text(), self.whole("<I")
            if dimensions > MOST_DIMENSIONS:
                raise self.broken(f"{name} has {dimensions} dimensions")
            elements = prod(self.whole("<Q") for _ in range(dimensions))
            kind, _ = self.whole("<I"), self.whole("<Q")
            if kind not in BLOCKS:
                raise self.broken(f"{name} has the number format {kind}, not known here")
            per_block, block_bytes = BLOCKS[kind]
            sizes[name] = -(-elements // per_block) * block_bytes
            parameters += elements
        if sum(sizes.values()) > self.left:
            raise self.broken("its tensors are larger than the file")
        return GgufHeader(metadata, sizes, parameters)

    def value(self, kind: int) -> object:
        if kind in SCALARS:
            return struct.unpack(SCALARS[kind], self.take(struct.calcsize(SCALARS[kind])))[0]
        if kind == TEXT:
            return self.text()
        if kind != LIST:
            raise self.broken(f"it has a value of the unknown type {kind}")
        inner, length = self.whole("<I"), self.whole("<Q")
        if inner in SCALARS:
            self.skip(length * struct.calcsize(SCALARS[inner]))
        elif inner == TEXT and length <= self.left:
            for _ in range(length):
                self.skip(self.whole("<Q"))
        else:
            raise self.broken("it has a list of lists, or of more than the file holds")
        return ListLength(length)

    def text(self) -> str:
        length = self.whole("<Q")
        if length > LONGEST_TEXT:
            raise self.broken(f"a text in it would be {length} bytes long")
        return self.take(length).decode("utf-8", "replace")

    def whole(self, layout: str) -> int:
        return int(struct.unpack(layout, self.take(struct.calcsize(layout)))[0])

    def take(self, count: int) -> bytes:
        self.use(count)
        data = self.file.read(count)
        if len(data) < count:
            raise self.broken("it ends within its header")
        return data

    def skip(self, count: int) -> None:
        self.use(count)
        self.file.seek(count, 1)

    def use(self, count: int) -> None:
        if count > self.left:
            raise self.broken("it ends within its header")
        self.left -= count

    def broken(self, what: str) -> ModelError:
        return ModelError(
            f"{self.path} is no whole GGUF file: {what}.", hint="Fetch the file again."
        )
