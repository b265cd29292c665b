"""What a CUDA program sees of the GPUs: `CUDA_VISIBLE_DEVICES` in all its forms.

The rules are CUDA's own, as its programming guide and PyTorch's `_parse_visible_devices` have
them. Numbers count the GPUs as the driver does, and as vLLM takes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mixvllm.gpus.device import Gpu, MigSlice

VARIABLE = "CUDA_VISIBLE_DEVICES"
ORDER_VARIABLE = "CUDA_DEVICE_ORDER"
LEADING_NUMBER = re.compile(r"[+-]?[0-9]+")
Device = Gpu | MigSlice


def as_seen(gpus: Sequence[Gpu], visible_devices: str | None) -> tuple[Gpu, ...]:
    """The GPUs with the index under which a CUDA program sees each."""
    chosen = _all(gpus) if visible_devices is None else _named(gpus, visible_devices)
    numbers = {id(device): number for number, device in enumerate(chosen)}
    return tuple(
        replace(
            gpu,
            visible_as=numbers.get(id(gpu)),
            mig=gpu.mig and tuple(replace(p, visible_as=numbers.get(id(p))) for p in gpu.mig),
        )
        for gpu in gpus
    )


def _all(gpus: Sequence[Gpu]) -> list[Device]:
    """Whole GPUs, else one slice: CUDA gives a process at most one."""
    whole: list[Device] = [gpu for gpu in gpus if _is_usable(gpu)]
    parts: list[Device] = [part for gpu in gpus for part in gpu.mig or ()]
    return whole or parts[:1]


def _is_usable(gpu: Gpu) -> bool:
    return gpu.mig is None and gpu.error is None


def _named(gpus: Sequence[Gpu], text: str) -> list[Device]:
    """The devices of a list, up to the first entry that names none; none if one is named twice."""
    found: list[Device] = []
    for entry in text.split(","):
        device = _device(gpus, entry.strip(), text.strip())
        if device is None:
            break
        if any(device is other for other in found):
            return []
        found.append(device)
        if isinstance(device, MigSlice):
            break
    return found


def _device(gpus: Sequence[Gpu], entry: str, text: str) -> Device | None:
    """The one device that an entry names; the form of the first entry holds for all of them."""
    if text.startswith("MIG-"):
        return _slice(gpus, entry)
    if text.startswith("GPU-"):
        named = [gpu for gpu in gpus if entry.startswith("GPU-") and _starts(gpu.uuid, entry)]
        return named[0] if len(named) == 1 and _is_usable(named[0]) else None
    number = LEADING_NUMBER.match(entry)
    index = int(number[0]) if number else -1
    gpu = next((gpu for gpu in gpus if gpu.index == index), None)
    if gpu is not None and gpu.mig:
        return gpu.mig[0]
    return gpu if gpu is not None and _is_usable(gpu) else None


def _slice(gpus: Sequence[Gpu], entry: str) -> MigSlice | None:
    """`MIG-<uuid>`, or `MIG-GPU-<uuid>/<GPU instance>/<compute instance>`."""
    name, _, instances = entry.removeprefix("MIG-").partition("/")
    for gpu in gpus:
        for part in gpu.mig or ():
            place = f"{part.gpu_instance}/{part.compute_instance}"
            if part.uuid == entry or (_starts(gpu.uuid, name) and place == instances):
                return part
    return None


def _starts(uuid: str | None, beginning: str) -> bool:
    return uuid is not None and uuid.startswith(beginning)
