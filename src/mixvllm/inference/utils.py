"""Files, flags and GPUs in plain mappings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixvllm.api.machine import list_gpus
from mixvllm.errors import Problem
from mixvllm.settings.resolve import invalid_settings
from mixvllm.settings.schema import ServeConfig
from mixvllm.settings.yaml_document import read_yaml
from mixvllm.sizes import GIB


def load_yaml_config(yaml_path: str | Path) -> dict[str, Any]:
    """What a config file holds, as it is written there.

    Raises:
        SettingsError: it is no YAML file, or holds no mapping.
    """
    document = read_yaml(Path(yaml_path))
    problems: list[Problem] = list(document.problems)
    if not problems and not isinstance(document.data, dict):
        problems.append(document.problem("must hold sections (`model:`, `server:`, ...)", (1, 1)))
    if problems:
        raise invalid_settings(problems)
    return dict(document.data)


def load_config_from_yaml(yaml_path: str | Path) -> ServeConfig:
    """The settings of a file over the defaults: `ServeConfig.from_yaml`.

    Raises:
        SettingsError: with every problem of the file.
    """
    return ServeConfig.from_yaml(yaml_path)


def merge_configs(base_config: ServeConfig, cli_args: Mapping[str, Any]) -> ServeConfig:
    """The settings with flags above them: `ServeConfig.merge_cli_args`.

    Raises:
        SettingsError: with everything that is wrong with the flags.
    """
    return base_config.merge_cli_args(cli_args)


merge_serve_config_with_cli = merge_configs


def get_gpu_info() -> dict[str, Any]:
    """The GPUs that a program started here can use; without any, an empty list.

    `mixvllm.list_gpus()` tells more, and why there is none.
    """
    usable = list_gpus().usable
    return {
        "gpu_count": len(usable),
        "gpus": [
            {"id": number, "name": gpu.name, "total_memory_gb": _gib(gpu.memory_total_bytes)}
            for number, gpu in enumerate(usable)
        ],
        "cuda_available": bool(usable),
    }


def _gib(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else round(size_bytes / GIB, 1)
