"""Resolve the settings of a command, and say the warnings about them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mixvllm.cli.app import Invocation
from mixvllm.errors import Problem
from mixvllm.models import demo_model
from mixvllm.render.settings import render_problem
from mixvllm.settings.layers.command_line import MODEL_ARGUMENT, GivenFlag
from mixvllm.settings.resolve import Resolved, Sources, require_model, resolve
from mixvllm.settings.schema import DEMO_MODEL, ServeConfig
from mixvllm.vllm_internals.command_line import api_server_arguments
from mixvllm.vllm_internals.installed import installed_engine


def resolve_settings(
    invocation: Invocation,
    flags: Sequence[GivenFlag],
    config: Path | None,
    profile: str | None,
    model: str | None = None,
) -> Resolved:
    """The settings of this process's layers.

    Raises:
        SettingsError: with every problem of every layer.
    """
    named = [GivenFlag(MODEL_ARGUMENT, model)] if model is not None else []
    resolved = resolve(
        Sources(
            flags=[*named, *flags],
            pass_through=invocation.pass_through or (),
            config=config,
            profile=profile,
            environment=os.environ,
        )
    )
    say_warnings(invocation, resolved.warnings)
    return resolved


def say_warnings(invocation: Invocation, warnings: Sequence[Problem]) -> None:
    """One line a warning, on stderr."""
    for warning in warnings:
        invocation.output.err.print(render_problem(warning), soft_wrap=True)


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
