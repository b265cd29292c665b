"""Stand-ins for libraries that multimodal models import and planning does not use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

# Image operations, without which vLLM's classes of multimodal models cannot be imported, and the
# compilers of CUDA kernels that some model files name at their top.
UNUSED = ("torchvision", "cutlass", "cuda")


def _accept(_: object, *arguments: object, **named: object) -> None:
    """Begin an instance, whatever it is made of."""


class Anything(type):
    """A class that has every attribute, each again such a class, and can be called and indexed."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {"__init__": _accept})

    def __getitem__(cls, _: object) -> type:
        return cls


class StandIn(ModuleType):
    """A module that has every name."""

    __path__: list[str] = []  # noqa: RUF012  # what makes a module a package

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = Anything(name, (), {"__module__": self.__name__, "__init__": _accept})
        setattr(self, name, made)
        return made


class StandInFinder(MetaPathFinder, Loader):
    """Finds the libraries that are not installed, and everything in them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Ours if it is in one of the libraries."""
        if fullname.partition(".")[0] not in self.names:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module with every name."""
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


def stand_in_for_unused_libraries() -> None:
    """Let the missing ones be imported; those that are installed stay themselves."""
    missing = [name for name in UNUSED if find_spec(name) is None]
    if missing:
        sys.meta_path.append(StandInFinder(missing))
