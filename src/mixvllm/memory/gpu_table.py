"""A GPU by the name or the size that a user gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Literal

from mixvllm.errors import EstimateError
from mixvllm.memory.gpu_models import ALIASES, AMD, INTEL, NVIDIA, USABLE_PERCENT
from mixvllm.memory.sizes import parse_size
from mixvllm.sizes import GIB

Vendor = Literal["NVIDIA", "AMD", "Intel"]
# What a driver adds to the name; none of it tells one GPU from another of the table.
NOISE = re.compile(
    r"\((?:r|tm)\)|\b(?:nvidia|geforce|tesla|amd|instinct|radeon|intel|data center gpu"
    r"|corporation|graphics|sxm\d?|pcie|hbm\d?e?|oam|generation|blackwell|server|workstation|edition|max-q)\b"
)
TRAILING_SIZE = re.compile(r"(?<![a-z0-9.])(\d{1,3})\s*g(?:i?b)?$")
# `A100-80` and `H100 80` name a size too; `RTX 4090` does not.
BARE_SIZE = re.compile(r"[-_ ](\d{2,3})$")


@dataclass(frozen=True)
class Gpu:
    """A GPU to plan for.

    Attributes:
        name: As the table has it, or None for a size alone.
        total_bytes: What PyTorch reports as its memory.
        nominal_gib: The size in its name, or None for a size alone.
        is_measured: Whether `total_bytes` was read from such a GPU; otherwise it is given by the
            user, or the nominal size times the usual share of its kind of memory.
        compute_capability: NVIDIA's, or the name of the architecture; None for a size alone.
        has_unified_memory: Whether it shares its memory with the CPU.
    """

    name: str | None
    total_bytes: int
    nominal_gib: int | None = None
    is_measured: bool = False
    vendor: Vendor | None = None
    compute_capability: str | None = None
    has_unified_memory: bool = False


@cache
def all_gpus() -> tuple[Gpu, ...]:
    """Every GPU of the table."""
    return tuple(_entries())


def find_gpu(text: str) -> Gpu:
    """The GPU that `H100`, `A100-40G`, `4090`, `24GiB` or `A100:79.25GiB` means.

    A name gives the defaults and the memory; after a colon a size replaces the memory. A size
    alone is in GiB (`80`, `24g`, `24GiB`) or in 10^9 bytes (`24GB`).

    Raises:
        EstimateError: neither a name of the table nor a size.
    """
    name, colon, size = text.strip().rpartition(":")
    if colon:
        total_bytes = parse_size(size)
        if total_bytes is None:
            raise EstimateError(
                f"{size.strip()!r} in {text.strip()!r} is no size.", hint="Write A100:79.25GiB."
            )
        return replace(_by_name(name), total_bytes=total_bytes, is_measured=False)
    if text.strip() and not _variants(text):
        total_bytes = parse_size(text)
        if total_bytes is not None:
            return Gpu(name=None, total_bytes=total_bytes)
    return _by_name(text)


def flag_of(gpu: Gpu) -> str:
    """What to write after `--gpu` for this one, without spaces; its bytes if it has no name."""
    if gpu.name is None:
        return f"{gpu.total_bytes}B"
    name = gpu.name.replace(" ", "-")
    same = [each for each in all_gpus() if each.name == gpu.name]
    sized = f"{name}-{gpu.nominal_gib}G" if len(same) > 1 else name
    is_of_table = any(each.total_bytes == gpu.total_bytes for each in same)
    return sized if is_of_table else f"{sized}:{gpu.total_bytes}B"


def label_of(text: str) -> str:
    """One spelling for every way to name a GPU of the table, its size where it comes in several.

    Raises:
        EstimateError: neither a name of the table nor a size.
    """
    gpu = find_gpu(text)
    return text.strip() if gpu.name is None or ":" in text else flag_of(gpu)


def _entries() -> Iterator[Gpu]:
    tables: tuple[tuple[Vendor, tuple[tuple[str, int, str, str, float | None], ...]], ...] = (
        ("NVIDIA", NVIDIA),
        ("AMD", AMD),
        ("Intel", INTEL),
    )
    shares = {str(kind): percent for kind, percent in USABLE_PERCENT.items()}
    for vendor, rows in tables:
        for name, nominal, kind, capability, read in rows:
            total_gib = nominal * shares[kind] / 100 if read is None else read
            yield Gpu(
                name=_spelled(name),
                total_bytes=int(total_gib * GIB),
                nominal_gib=nominal,
                is_measured=read is not None,
                vendor=vendor,
                compute_capability=capability,
                has_unified_memory=kind == "unified",
            )


def _spelled(name: str) -> str:
    """A product's name as it is written everywhere, after `--gpu` too: `RTX4090`, `RTX6000-Ada`."""
    return re.sub(r"\bRTX (?=\d)", "RTX", name).replace(" ", "-")


def _key(name: str) -> str:
    """A name without what only decorates it: small letters and digits."""
    return re.sub(r"[^a-z0-9]", "", NOISE.sub(" ", name.lower()))


@cache
def _by_key() -> dict[str, tuple[Gpu, ...]]:
    found: dict[str, tuple[Gpu, ...]] = {}
    for gpu in all_gpus():
        key = _key(gpu.name or "")
        short = key.removeprefix("rtx") if key.startswith(("rtx", "arc")) else key
        for spelling in {key, short, key.removeprefix("arc"), key.removeprefix("rx")}:
            same = found.get(spelling, ())
            if not same or same[0].name == gpu.name:
                found[spelling] = (*same, gpu)
    for alias, name in ALIASES.items():
        found[alias] = tuple(gpu for gpu in all_gpus() if gpu.name == _spelled(name))
    return found


def _variants(text: str) -> tuple[Gpu, ...]:
    """The GPUs of a name, with the size in it where it has one; empty for no name."""
    bare = " ".join(NOISE.sub(" ", text.lower()).split()).strip(" -_")
    if whole := _by_key().get(_key(bare)):
        return whole
    for pattern in (TRAILING_SIZE, BARE_SIZE):
        if size := pattern.search(bare):
            named = _by_key().get(_key(bare[: size.start()]), ())
            return tuple(gpu for gpu in named if gpu.nominal_gib == int(size[1]))
    return ()


def _by_name(text: str) -> Gpu:
    variants = _variants(text)
    if variants:
        return variants[0]
    raise EstimateError(
        f"The GPU {text.strip()!r} is not known.",
        hint=f"{_nearest(text)} A size (24GiB) or both (A100:79.25GiB) will do too.",
    )


def _nearest(text: str) -> str:
    key = _key(text)
    close = get_close_matches(key, _by_key(), n=6)
    names: dict[str, None] = {}
    for spelling in close:
        for gpu in _by_key()[spelling]:
            several = len(_by_key()[spelling]) > 1
            names[f"{gpu.name}-{gpu.nominal_gib}G" if several else str(gpu.name)] = None
    if not names:
        return "Known are for example H100, A100-40G, L40S, RTX4090 and MI300X."
    nearest = list(names)[:4]
    return f"Nearest {'are' if len(nearest) > 1 else 'is'} {', '.join(nearest)}."
