"""The settings as arguments of vLLM's API server, for people to read or to paste."""

from __future__ import annotations

from mixvllm.cli.invocation import Invocation
from mixvllm.server.vllm_command import equivalent_arguments
from mixvllm.settings.schema import ServeConfig


def vllm_arguments(invocation: Invocation, settings: ServeConfig) -> list[str]:
    """The equivalent arguments of vLLM's API server; what has none is said in a note.

    Raises:
        SettingsError: no layer names a model.
    """
    arguments = equivalent_arguments(settings)
    if settings.generation_defaults.max_tokens is not None:
        invocation.output.note(
            "generation_defaults.max_tokens has no vLLM argument; `mixvllm serve` fills it in"
        )
    return arguments
