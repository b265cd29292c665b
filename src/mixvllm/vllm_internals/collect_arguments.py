"""Write down the arguments of the installed vLLM as data.

`python -m mixvllm.vllm_internals.collect_arguments > data/arguments_<major>_<minor>.json` lets the
light commands check names and choices without importing vllm.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from mixvllm.vllm_internals.installed import require_engine
from mixvllm.vllm_internals.symbols import REASONING_PARSERS, TOOL_PARSERS, Symbol

# Of the command line `vllm serve` alone: no argument of the API server that we build.
NOT_PASSED_ON = frozenset({"help", "model_tag", "config", "headless", "api_server_count", "grpc"})

# Not among the symbols that are checked at start: 0.32 has none of it and needs none.
KV_CACHE_FORMATS = Symbol("KV_CACHE_DTYPES", ("vllm.config.cache",))

# What plug-ins add to, so that the parser takes any text.
REGISTRIES = {"tool_call_parser": TOOL_PARSERS, "reasoning_parser": REASONING_PARSERS}


def describe(action: argparse.Action) -> dict[str, Any]:
    """One argument: how a value is written, its closed choices."""
    description: dict[str, Any] = {"kind": _kind(action)}
    if short := [flag for flag in action.option_strings if not flag.startswith("--")]:
        description["short_flags"] = short
    if action.choices:
        description["choices"] = sorted(str(choice) for choice in action.choices if choice)
    return description


def _kind(action: argparse.Action) -> str:
    if isinstance(action, argparse.BooleanOptionalAction):
        return "switch"
    if action.nargs == 0:
        return "switch_on"
    if action.nargs in ("+", "*"):
        return "list"
    if type(action).__name__ == "_AppendAction":
        return "repeated"
    return "value"


def collect() -> dict[str, Any]:
    """Ask the parser of the installed vLLM.

    Raises:
        InstallationError: vLLM is missing or unsupported.
    """
    engine = require_engine()
    from mixvllm.vllm_internals.adapter import build_parser, quantization_methods

    arguments = {
        action.dest: describe(action)
        for action in build_parser()._actions
        if action.dest not in NOT_PASSED_ON
    }
    arguments["quantization"]["choices"] = sorted(quantization_methods())
    for name, registry in (
        ("tool_call_parser", TOOL_PARSERS),
        ("reasoning_parser", REASONING_PARSERS),
    ):
        arguments[name]["known"] = sorted(registry.load().list_registered())
    # 0.33's parser takes any text here and checks it later, for plug-ins may add formats.
    if "choices" not in arguments["kv_cache_dtype"]:
        arguments["kv_cache_dtype"]["choices"] = sorted(KV_CACHE_FORMATS.load())
    return {"version": engine.version, "arguments": dict(sorted(arguments.items()))}


def as_text(collected: dict[str, Any]) -> str:
    """The file's text: JSON with one argument a line, so that versions compare line by line."""
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in collected["arguments"].items()]
    body = ",\n".join(lines)
    return f'{{"version": "{collected["version"]}", "arguments": {{\n{body}\n}}}}\n'


if __name__ == "__main__":
    sys.stdout.write(as_text(collect()))
