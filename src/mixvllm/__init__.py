"""mixvllm: the developer toolkit for serving language models with vLLM.

The names below are the Python API (docs/python-api.md). Each is imported when it is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixvllm.api.estimates import compare, estimate, read_log, solve
    from mixvllm.api.machine import list_gpus, serve
    from mixvllm.api.settings import load_settings
    from mixvllm.errors import (
        AddressError,
        DirectoryError,
        EngineDiedError,
        EngineStartError,
        EstimateError,
        InstallationError,
        LogError,
        MixvllmError,
        ModelError,
        PreflightError,
        Problem,
        SettingsError,
        UsageError,
    )
    from mixvllm.gpus.device import Gpu, Inventory
    from mixvllm.memory.answer import Estimate
    from mixvllm.memory.solution import Solution
    from mixvllm.server.launch import StartedServer
    from mixvllm.settings.resolve import Resolved
    from mixvllm.settings.schema import (
        GenerationDefaultsConfig,
        InferenceConfig,
        ModelConfig,
        ServeConfig,
        ServerConfig,
    )
    from mixvllm.sizing.logged import LogReport
    from mixvllm.sizing.variant import Comparison

    __version__: str

__all__ = [
    "AddressError",
    "Comparison",
    "DirectoryError",
    "EngineDiedError",
    "EngineStartError",
    "Estimate",
    "EstimateError",
    "GenerationDefaultsConfig",
    "Gpu",
    "InferenceConfig",
    "InstallationError",
    "Inventory",
    "LogError",
    "LogReport",
    "MixvllmError",
    "ModelConfig",
    "ModelError",
    "PreflightError",
    "Problem",
    "Resolved",
    "ServeConfig",
    "ServerConfig",
    "SettingsError",
    "Solution",
    "StartedServer",
    "UsageError",
    "__version__",
    "compare",
    "estimate",
    "list_gpus",
    "load_settings",
    "read_log",
    "serve",
    "solve",
]

# Where names live that are in no module of errors.
_HOMES = {
    "mixvllm.api.estimates": ("compare", "estimate", "read_log", "solve"),
    "mixvllm.api.machine": ("list_gpus", "serve"),
    "mixvllm.api.settings": ("load_settings",),
    "mixvllm.gpus.device": ("Gpu", "Inventory"),
    "mixvllm.memory.answer": ("Estimate",),
    "mixvllm.memory.solution": ("Solution",),
    "mixvllm.server.launch": ("StartedServer",),
    "mixvllm.settings.resolve": ("Resolved",),
    "mixvllm.settings.schema": (
        "GenerationDefaultsConfig",
        "InferenceConfig",
        "ModelConfig",
        "ServeConfig",
        "ServerConfig",
    ),
    "mixvllm.sizing.logged": ("LogReport",),
    "mixvllm.sizing.variant": ("Comparison",),
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a name when it is asked for; the version costs time that `--help` saves."""
        if name == "__version__":
            from importlib import metadata

            return metadata.version("mixvllm")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = next((home for home, names in _HOMES.items() if name in names), "mixvllm.errors")
        return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
