"""The settings as arguments of vLLM's API server, for people to read or to paste."""

from __future__ import annotations

from mixvllm.cli.invocation import Invocation
from mixvllm.models import demo_model
from mixvllm.settings.resolve import require_model
from mixvllm.settings.schema import DEMO_MODEL, ServeConfig
from mixvllm.vllm_internals.command_line import api_server_arguments
from mixvllm.vllm_internals.installed import installed_engine


def vllm_arguments(invocation: Invocation, settings: ServeConfig) -> list[str]:
    """The equivalent arguments of vLLM's API server; what has none is said in a note.

    Raises:
        SettingsError: no layer names a model.
    """
    model, engine = require_model(settings), installed_engine()
    if settings.generation_defaults.max_tokens is not None:
        invocation.output.note(
            "generation_defaults.max_tokens has no vLLM argument; `mixvllm serve` fills it in"
        )
    return api_server_arguments(
        settings,
        build=engine.build if engine else "gpu",
        model_path=str(demo_model.directory()) if model == DEMO_MODEL else None,
    )
