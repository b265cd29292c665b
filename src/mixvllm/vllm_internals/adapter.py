"""The only module that imports vllm."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mixvllm.errors import InstallationError

if TYPE_CHECKING:
    from argparse import ArgumentParser

# 0.33 first, 0.32 after it: the module moved between the two.
CLI_ARGS = ("vllm.entrypoints.common.cli_args", "vllm.entrypoints.launchers.cli_args")


def load(symbol: str, *modules: str) -> Any:
    """Import a symbol from the first module that has it.

    Raises:
        InstallationError: no module has it, so this vLLM is not one that mixvllm knows.
    """
    for module in modules:
        try:
            return getattr(importlib.import_module(module), symbol)
        except (ModuleNotFoundError, AttributeError):
            continue
    raise InstallationError(f"This vLLM has no {symbol} in {' or '.join(modules)}.")


def build_parser() -> ArgumentParser:
    """VLLM's own argument parser of its API server."""
    parser = load("FlexibleArgumentParser", "vllm.utils.argparse_utils")()
    parser = load("make_arg_parser", *CLI_ARGS)(parser)
    assert hasattr(parser, "parse_args")
    return parser  # type: ignore[no-any-return]


def quantization_methods() -> list[str]:
    """The quantization methods that this vLLM knows."""
    return list(load("QUANTIZATION_METHODS", "vllm.model_executor.layers.quantization"))
