"""Modules that libraries import and our commands do not use, loaded at the first use."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def load_when_used(name: str) -> None:
    """Have `import NAME` cost nothing until something of it is used.

    `importlib.util.LazyLoader` does the same, but in Python 3.11 a second import already loads.
    """
    spec = find_spec(name)
    if name in sys.modules or spec is None:
        return
    module = _Waiting(name)
    module.__spec__ = spec
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[name] = module


class _Waiting(ModuleType):
    """Stands in for a module, and becomes it."""

    def __getattr__(self, attribute: str) -> Any:
        name = self.__name__
        if sys.modules.get(name) is self:
            del sys.modules[name]
        self.__dict__.update(import_module(name).__dict__)
        try:
            return self.__dict__[attribute]
        except KeyError:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}") from None
