"""vLLM's own server with our settings: what people read, paste, or compare with."""

from __future__ import annotations

import sys

from mixvllm.models import demo_model
from mixvllm.settings.resolve import require_model
from mixvllm.settings.schema import DEMO_MODEL, ServeConfig
from mixvllm.vllm_internals.command_line import api_server_arguments
from mixvllm.vllm_internals.installed import installed_engine

API_SERVER = "vllm.entrypoints.openai.api_server"


def equivalent_arguments(settings: ServeConfig) -> list[str]:
    """The arguments for vLLM's API server, of the build that is installed here; no secrets.

    Raises:
        SettingsError: no layer names a model.
    """
    model, engine = require_model(settings), installed_engine()
    return api_server_arguments(
        settings,
        build=engine.build if engine else "gpu",
        model_path=str(demo_model.directory()) if model == DEMO_MODEL else None,
    )


def build_vllm_command(settings: ServeConfig) -> list[str]:
    """The command that starts vLLM's own server with these settings; secrets are left out.

    `start_server` starts `mixvllm serve` instead, which keeps the engine up.

    Raises:
        SettingsError: the settings name no model.
    """
    return [sys.executable, "-m", API_SERVER, *equivalent_arguments(settings)]
