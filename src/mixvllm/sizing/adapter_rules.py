"""Whether the LoRA adapters that are named can be served.

The rules are vLLM's `LoRAParserAction`, `get_adapter_absolute_path` and `PEFTHelper` (0.32, 0.33).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mixvllm.errors import ModelError
from mixvllm.models.names import is_path
from mixvllm.models.sources.local import read_object
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.finding import Finding
from mixvllm.vllm_internals.arguments import arguments

MODULES = "vllm.lora_modules"
RANK = "vllm.max_lora_rank"
ENABLE = "vllm.enable_lora"
ADAPTER_CONFIG = "adapter_config.json"
# vLLM's own default of `max_lora_rank`.
DEFAULT_RANK = 16


def adapter_findings(settings: ServeConfig) -> Iterator[Finding]:
    """Everything that keeps an adapter from being loaded."""
    modules = settings.vllm.get("lora_modules")
    if not modules:
        return
    if not settings.vllm.get("enable_lora"):
        yield Finding(
            (ENABLE, MODULES),
            "lora_modules needs enable_lora",
            advice="set `enable_lora: true` beside it",
            code="lora-adapter",
        )
    for module in modules if isinstance(modules, list) else [modules]:
        yield from _adapter(settings, module)


def _adapter(settings: ServeConfig, module: object) -> Iterator[Finding]:
    name, path = _name_and_path(module)
    if path is None:
        yield Finding(
            (MODULES,),
            f"{module} is no adapter",
            advice="write NAME=PATH, or a mapping with `name` and `path`",
            code="lora-adapter",
        )
        return
    directory = Path(path).expanduser()
    if not directory.exists():
        if is_path(path):
            yield Finding(
                (MODULES,),
                f"the adapter {name} is not there: {path} does not exist",
                code="lora-adapter",
            )
        return
    file = directory / ADAPTER_CONFIG
    if not file.is_file():
        yield Finding(
            (MODULES,), f"the adapter {name} has no {ADAPTER_CONFIG} in {path}", code="lora-adapter"
        )
        return
    try:
        config = read_object(file)
    except ModelError as error:
        yield Finding(
            (MODULES,),
            f"the adapter {name} cannot be read: {error.message.rstrip('.')}",
            code="lora-adapter",
        )
        return
    yield from _config(settings, str(name), config)


def _name_and_path(module: object) -> tuple[str | None, str | None]:
    """`name=path`, or a mapping, which may be written as JSON."""
    if isinstance(module, str) and "=" in module and "," not in module:
        named, _, place = module.partition("=")
        return named, place
    try:
        given = json.loads(module) if isinstance(module, str) else module
    except ValueError:
        return None, None
    if not isinstance(given, Mapping):
        return None, None
    name, path = given.get("name"), given.get("path")
    return (name, path) if isinstance(name, str) and isinstance(path, str) else (None, None)


def _config(settings: ServeConfig, name: str, config: Mapping[str, object]) -> Iterator[Finding]:
    rank, most = _rank(config), _most(settings.vllm)
    if rank is not None and rank > most:
        allowed = sorted(int(choice) for choice in arguments()["max_lora_rank"].choices)
        enough = next((choice for choice in allowed if choice >= rank), None)
        yield Finding(
            (RANK, MODULES),
            f"the adapter {name} has rank {rank}, more than max_lora_rank, which is {most}",
            advice=f"set `max_lora_rank: {enough}`"
            if enough
            else f"vLLM takes at most {allowed[-1]}",
            code="lora-adapter",
        )
    if config.get("use_dora"):
        yield Finding(
            (MODULES,),
            f"the adapter {name} uses DoRA, which vLLM does not serve",
            code="lora-adapter",
        )
    if config.get("bias", "none") != "none":
        yield Finding(
            (MODULES,),
            f"the adapter {name} has a bias, which vLLM does not serve",
            code="lora-adapter",
        )


def _rank(config: Mapping[str, object]) -> int | None:
    """The largest rank of any of its layers."""
    pattern = config.get("rank_pattern")
    ranks = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    return max((rank for rank in ranks if type(rank) is int), default=None)


def _most(given: Mapping[str, Any]) -> int:
    asked = given.get("max_lora_rank")
    return int(str(asked)) if str(asked).isdigit() else DEFAULT_RANK
