"""The GPUs of this machine: NVML, else PyTorch, and why the others did not answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mixvllm.gpus.device import Failure, Inventory, Reading
from mixvllm.gpus.evidence import no_use_asking_torch
from mixvllm.gpus.reader import Reader
from mixvllm.gpus.requests import LINKS
from mixvllm.gpus.signs import LIBRARY, library_error
from mixvllm.gpus.visible import ORDER_VARIABLE, VARIABLE, as_seen

# A driver that is not kept loaded takes a second or more for each GPU.
NVML_DEADLINE_S = 15.0
TORCH_DEADLINE_S = 60.0
# How the loaders of Linux and macOS say that there is no such file.
NO_FILE = ("cannot open shared object file", "no such file")
ABSENT = Failure(f"NVIDIA's management library ({LIBRARY}) is not installed", is_absent=True)


class Machine:
    """Where the GPUs are read: once, or again and again through processes that are kept."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        nvml_deadline_s: float = NVML_DEADLINE_S,
        torch_deadline_s: float = TORCH_DEADLINE_S,
        root: Path = Path("/"),
        asks_torch: bool = True,
    ) -> None:
        self.visible_devices = environment.get(VARIABLE)
        self.device_order = environment.get(ORDER_VARIABLE)
        self.root = root
        self.asks_torch = asks_torch
        self.nvml = Reader("mixvllm.gpus.nvml", "NVIDIA's driver", nvml_deadline_s)
        self.torch = Reader("mixvllm.gpus.torch_cuda", "PyTorch", torch_deadline_s)

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.nvml.close()
        self.torch.close()

    def inventory(self, *, with_links: bool = False) -> Inventory:
        """The GPUs now, and how they are joined where that is asked for."""
        missing = missing_library()
        reading = (
            Reading(failure=missing) if missing else self.nvml.read(LINKS if with_links else "")
        )
        if reading.failure is None:
            return Inventory(
                as_seen(reading.gpus, self.visible_devices),
                "nvml",
                driver=reading.driver,
                cuda=reading.cuda,
                visible_devices=self.visible_devices,
                device_order=self.device_order,
                links=reading.links,
            )
        return self._without_nvml(reading.failure)

    def _without_nvml(self, nvml: Failure) -> Inventory:
        useless = no_use_asking_torch(nvml, self.root)
        if not useless and not self.asks_torch:
            useless = Failure("PyTorch was not asked", "mixvllm gpus")
        reading = Reading(failure=useless) if useless else self.torch.read()
        if reading.failure is not None:
            return Inventory((), "none", failures=(nvml, reading.failure))
        return Inventory(
            reading.gpus,
            "torch",
            cuda=reading.cuda,
            failures=(nvml,),
            visible_devices=self.visible_devices,
        )


def missing_library() -> Failure | None:
    """Why NVML cannot be asked, where that is so."""
    error = library_error()
    if error is None:
        return None
    if any(words in error for words in NO_FILE):
        return ABSENT
    return Failure(f"NVIDIA's management library cannot be loaded ({error})", is_absent=True)
