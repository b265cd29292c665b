"""Resolve the settings of a command, and say the warnings about them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.cli.invocation import Invocation
from mixvllm.errors import Problem
from mixvllm.settings.flags import GivenFlag

if TYPE_CHECKING:
    from mixvllm.settings.resolve import Resolved


def resolve_settings(
    invocation: Invocation,
    flags: Sequence[GivenFlag],
    config: Path | None,
    profile: str | None,
    model: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Resolved:
    """The settings of this process's layers; warnings about them are said.

    Raises:
        SettingsError: with every problem of every layer.
    """
    resolved = resolve_quietly(invocation, flags, config, profile, model, environment)
    say_warnings(invocation, resolved.warnings)
    return resolved


def resolve_quietly(
    invocation: Invocation,
    flags: Sequence[GivenFlag],
    config: Path | None,
    profile: str | None,
    model: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Resolved:
    """The same, for who says the warnings in another way.

    Raises:
        SettingsError: with every problem of every layer.
    """
    # `--help` needs none of this.
    from mixvllm.settings.layers.command_line import MODEL_ARGUMENT
    from mixvllm.settings.resolve import Sources, resolve

    named = [GivenFlag(MODEL_ARGUMENT, model)] if model is not None else []
    return resolve(
        Sources(
            flags=[*named, *flags],
            pass_through=invocation.pass_through or (),
            config=config,
            profile=profile,
            environment=environment,
        )
    )


def say_warnings(invocation: Invocation, warnings: Sequence[Problem]) -> None:
    """One line a warning, on stderr."""
    # rich: not for a Tab
    from mixvllm.cli.output import print_flowing
    from mixvllm.render.hanging import Hanging
    from mixvllm.render.settings import render_problem

    for warning in warnings:
        print_flowing(invocation.output.err, Hanging(render_problem(warning)))
