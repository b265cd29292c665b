"""The number formats beyond fp16 that a GPU computes in, by its compute capability.

NVIDIA's: bfloat16 from Ampere (8.0) on, FP8 from Ada (8.9), FP4 from Blackwell (10.0), as vLLM
checks them. AMD's by architecture, as the instruction sets of CDNA 3, CDNA 4 and RDNA 4 have them.
A GPU may load weights in a format that it does not compute in.
"""

from __future__ import annotations

import re

NVIDIA_FROM = (((8, 0), "bf16"), ((8, 9), "fp8"), ((10, 0), "fp4"))
AMD: dict[str, tuple[str, ...]] = {
    "gfx908": ("bf16",),
    "gfx90a": ("bf16",),
    "gfx942": ("bf16", "fp8"),
    "gfx950": ("bf16", "fp8", "fp4"),
    "gfx1100": ("bf16",),
    "gfx1101": ("bf16",),
    "gfx1200": ("bf16", "fp8"),
    "gfx1201": ("bf16", "fp8"),
}


def number_formats(capability: str | None) -> tuple[str, ...] | None:
    """The formats, or None where the architecture is not known here."""
    if capability is None:
        return None
    version = re.fullmatch(r"(\d+)\.(\d+)", capability)
    if version is None:
        return AMD.get(capability)
    here = (int(version[1]), int(version[2]))
    return tuple(name for first, name in NVIDIA_FROM if here >= first)
