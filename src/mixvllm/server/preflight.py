"""What is certain to fail is found before vllm is imported, in a fraction of a second."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from mixvllm.errors import SettingsError
from mixvllm.server.address import listen
from mixvllm.server.model_files import check_local_model
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.installed import InstalledEngine, require_engine


@dataclass(frozen=True)
class Preflight:
    """What the checks found: the bound socket, and the vLLM that is installed."""

    sock: socket.socket
    engine: InstalledEngine


def run_preflight(settings: ServeConfig) -> Preflight:
    """Check what can be checked without loading anything; the settings name a model.

    Raises:
        SettingsError: the settings ask for what `serve` cannot do.
        ModelError: the local model is missing.
        InstallationError: vLLM is missing or unsupported.
        AddressError: the address cannot be bound.
    """
    assert settings.model.name is not None
    if settings.server.workers > 1:
        raise SettingsError(
            f"server.workers is {settings.server.workers}, and more than 1 is not supported yet.",
            hint="Leave it at 1: one process serves all requests of a node.",
        )
    check_local_model(settings.model.name)
    engine = require_engine()
    return Preflight(listen(settings.server.host, settings.server.port), engine)
