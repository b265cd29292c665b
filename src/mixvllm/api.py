"""What the commands do, as functions: they print nothing and return what the commands draw.

Only `load_settings` asks the environment and looks for files; the others take what they are given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixvllm.settings.resolve import Resolved, Sources, require_model, resolve
from mixvllm.settings.schema import ServeConfig

if TYPE_CHECKING:
    from mixvllm.gpus.device import Inventory
    from mixvllm.memory.answer import Estimate
    from mixvllm.server.launch import StartedServer


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


def estimate(
    model: str | ServeConfig | Resolved,
    *,
    gpu: str | None = None,
    kv_cache_memory: str | None = None,
    vllm_version: str | None = None,
    block_size: int | None = None,
    concurrency: int | None = None,
    load: tuple[int, int] | None = None,
    measured: bool = True,
    **flags: Any,
) -> Estimate:
    """What vLLM will report as its KV cache, before anything is loaded: `mixvllm estimate-kv`.

    Args:
        model: A name, a path, `demo`, or settings that name it.
        gpu: `H100`, `A100-40G`, `24GiB`, ...; without it the GPUs of this machine, if any.
        kv_cache_memory: The memory of the cache on each GPU (`40GiB`) in place of the budget.
        vllm_version: Whose rules (`0.24`); without it those of the installed vLLM, or the newest.
        block_size: Tokens of a block.
        concurrency: Requests that must run at once.
        load: Tokens of the average prompt and of the average answer.
        measured: Whether what a start on this machine measured counts.
        flags: Flags of `mixvllm serve` by their names (`max_model_len=32768`).

    Raises:
        SettingsError: a flag is wrong, or no model is named.
        UsageError: an argument is no GPU, size or release that is known.
        ModelError: nobody here knows the model.
        EstimateError: its memory is not known.
    """
    from mixvllm.memory.estimate import estimate as estimated
    from mixvllm.memory.request import Load
    from mixvllm.models.find import find_model
    from mixvllm.sizing.here import planned_here
    from mixvllm.sizing.measurements import identity_of, kept
    from mixvllm.sizing.request import Choices, estimate_request

    settings = _settings(model, flags)
    name, revision = require_model(settings, "estimate-kv"), settings.model.revision
    average = None if load is None else Load(*load)
    choices = Choices(gpu, kv_cache_memory, vllm_version, block_size, concurrency, average)
    request = planned_here(estimate_request(settings, choices))
    found = find_model(name, revision=revision)
    if measured and request.gpu is not None:
        known = kept(identity_of(found, revision)).measurements
        request = replace(request, measurements=known)
    return estimated(found.description, found.weights, found.source, request)


def list_gpus() -> Inventory:
    """The GPUs of this machine and what uses them, or why there are none: `mixvllm gpus`."""
    from mixvllm.gpus.inventory import Machine
    from mixvllm.server.named_processes import with_servers_named

    with Machine(os.environ) as machine:
        return with_servers_named(machine.inventory())


def serve(
    model: str | ServeConfig | Resolved,
    *,
    wait: bool = True,
    timeout_s: float | None = None,
    **flags: Any,
) -> StartedServer:
    """Serve a model in a process of its own: `mixvllm serve`. End it by `with` or `stop()`.

    Args:
        model: A name, a local directory, `demo`, or settings that name it.
        wait: Whether to return only when it is ready.
        timeout_s: How long to wait at most; the server is ended when it takes longer.
        flags: Flags of `mixvllm serve` by their names (`port=8001`).

    Raises:
        SettingsError: a flag is wrong, or no model is named.
        EngineStartError: it ended before it was ready; the hint is what it said.
        TimeoutError: it was not ready in time.
    """
    from mixvllm.server.launch import launch

    server = launch(_settings(model, flags))
    if not wait:
        return server
    try:
        server.wait_until_ready(timeout_s)
    except BaseException:
        server.stop()
        raise
    return server


def _settings(model: str | ServeConfig | Resolved, flags: Mapping[str, Any]) -> ServeConfig:
    """The settings that are meant, with flags above them."""
    if isinstance(model, str):
        return ServeConfig().merge_cli_args({"model": model, **flags})
    settings = model.settings if isinstance(model, Resolved) else model
    return settings.merge_cli_args(flags) if flags else settings
