"""An inventory as the JSON document of `mixvllm gpus`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mixvllm.gpus.device import Gpu, Inventory


def inventory_as_json(inventory: Inventory) -> dict[str, Any]:
    """The JSON document of `mixvllm gpus`; what is not known is null."""
    document = {
        "gpus": [_gpu(gpu) for gpu in inventory.gpus],
        "driver": inventory.driver,
        "cuda": inventory.cuda,
        "source": inventory.source,
        "reason": inventory.reason,
        "cuda_visible_devices": inventory.visible_devices,
    }
    return document if inventory.links is None else document | {"links": inventory.links}


def _gpu(gpu: Gpu) -> dict[str, Any]:
    plain = asdict(gpu)
    for part in plain["mig"] or ():
        del part["compute_capability"]
    return plain
