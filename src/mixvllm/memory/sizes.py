"""Sizes of memory as people write them."""

from __future__ import annotations

import re
from fractions import Fraction

from mixvllm.errors import EstimateError
from mixvllm.sizes import GIB

# With an i a unit is binary, GB and TB are decimal; a bare letter, and no unit, is GiB or TiB.
UNIT_BYTES = {
    "": GIB,
    "b": 1,
    "kib": 1 << 10,
    "kb": 10**3,
    "m": 1 << 20,
    "mib": 1 << 20,
    "mb": 10**6,
    "g": GIB,
    "gib": GIB,
    "gb": 10**9,
    "t": 1 << 40,
    "tib": 1 << 40,
    "tb": 10**12,
}
MOST_GIB = 4096
# A bare number above this is a slip, or the name of a GPU that does not exist (4091).
MOST_BARE = 1024
SIZE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,9})?)\s*([a-z]*)", re.IGNORECASE)


def parse_size(text: str) -> int | None:
    """Bytes of `24GiB`, `24g`, `24` (all 24 x 2^30), `24GB` (24 x 10^9) or `25769803776B`.

    None where the text is no size at all.

    Raises:
        EstimateError: it is a size that no memory has.
    """
    match = SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in UNIT_BYTES:
        return None
    if not match[2] and Fraction(match[1]) > MOST_BARE:
        return None
    size = int(Fraction(match[1]) * UNIT_BYTES[match[2].lower()])
    if size < 1 or size > MOST_GIB * GIB:
        raise EstimateError(
            f"{text.strip()!r} is no size of a memory.",
            hint="Write GiB (24GiB, 24g or 24), GB of 10^9 bytes (24GB), or bytes (25769803776B).",
        )
    return size
