"""The settings that a program asks for, by the layers of the commands or by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixvllm.settings.resolve import Resolved, Sources, resolve
from mixvllm.settings.schema import ServeConfig


def load_settings(
    config: str | Path | None = None,
    *,
    profile: str | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: Any,
) -> Resolved:
    """The settings that `mixvllm serve` would take here, each with its origin.

    Args:
        config: The file of `--config`; without it MIXVLLM_CONFIG or ./mixvllm.yaml, if any.
        profile: The profile of `--profile`.
        environment: The variables, which are above the flags; None is those of this process.
        flags: Flags by their names (`model="demo"`, `gpu_memory=0.8`, `vllm={...}`).

    Raises:
        SettingsError: with every problem of every layer.
    """
    return resolve(
        Sources(
            arguments=flags,
            config=None if config is None else Path(config),
            profile=profile,
            environment=os.environ if environment is None else environment,
        )
    )


def settings_of(
    model: str | ServeConfig | Resolved | None, flags: Mapping[str, Any]
) -> ServeConfig:
    """The settings that are meant, with flags above them.

    Raises:
        SettingsError: a flag is wrong.
    """
    if model is None or isinstance(model, str):
        named = {} if model is None else {"model": model}
        return ServeConfig().merge_cli_args({**named, **flags})
    settings = model.settings if isinstance(model, Resolved) else model
    return settings.merge_cli_args(flags) if flags else settings
