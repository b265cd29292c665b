"""Small real files of weights: headers as their formats have them, and room for the weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

ELEMENT_BYTES = {"BF16": 2, "F32": 4, "F8_E4M3": 1, "U8": 1, "I32": 4}


def safetensors(tensors: Mapping[str, tuple[str, Sequence[int]]]) -> bytes:
    """A file with these tensors, all zero."""
    header, end = {}, 0
    for name, (number_format, shape) in tensors.items():
        begin, end = end, end + prod(shape) * ELEMENT_BYTES[number_format]
        header[name] = {"dtype": number_format, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def write_safetensors(path: Path, tensors: Mapping[str, tuple[str, Sequence[int]]]) -> None:
    path.write_bytes(safetensors(tensors))


def gguf(
    metadata: Mapping[str, str | int | list[str]], tensors: Mapping[str, Sequence[int]]
) -> bytes:
    """A GGUF file of version 3 with 16-bit tensors, all zero."""
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, value in metadata.items():
        parts += [_text(key), _value(value)]
    offset = 0
    for name, shape in tensors.items():
        sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        parts += [_text(name), sizes, struct.pack("<IQ", 1, offset)]
        offset += 2 * prod(shape)
    return b"".join([*parts, bytes(offset)])


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: str | int | list[str]) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
