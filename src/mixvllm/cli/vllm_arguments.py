"""The settings as arguments of vLLM's API server, for people to read or to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixvllm.cli.invocation import Invocation

if TYPE_CHECKING:
    from mixvllm.settings.schema import ServeConfig


def vllm_arguments(invocation: Invocation, settings: ServeConfig) -> list[str]:
    """The equivalent arguments of vLLM's API server; what has none is said in a note.

    Raises:
        SettingsError: no layer names a model.
    """
    from mixvllm.server.vllm_command import equivalent_arguments

    arguments = equivalent_arguments(settings)
    if settings.generation_defaults.max_tokens is not None:
        invocation.output.note(
            "generation_defaults.max_tokens has no vLLM argument; `mixvllm serve` fills it in"
        )
    return arguments
