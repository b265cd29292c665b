"""This machine: its GPUs, and a server that runs on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mixvllm.api.settings import settings_of
from mixvllm.settings.resolve import Resolved
from mixvllm.settings.schema import ServeConfig

if TYPE_CHECKING:
    from mixvllm.gpus.device import Inventory
    from mixvllm.server.launch import StartedServer


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

    server = launch(settings_of(model, flags))
    if not wait:
        return server
    try:
        server.wait_until_ready(timeout_s)
    except BaseException:
        server.stop()
        raise
    return server
