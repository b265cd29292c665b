"""The settings of a command: its layers read, checked and merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixvllm.errors import Problem, SettingsError
from mixvllm.settings.file_keys import DEFAULT_FILE, PROFILES_KEY
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.layers.command_line import read_arguments, read_command_line
from mixvllm.settings.layers.environment import (
    CONFIG_VARIABLE,
    PROFILE_VARIABLE,
    read_environment,
)
from mixvllm.settings.merge import ResolvedValue, merge
from mixvllm.settings.names import nearest
from mixvllm.settings.origin import Layer
from mixvllm.settings.reading import Reading
from mixvllm.settings.schema import ServeConfig
from mixvllm.settings.validate import errors_of, validate

if TYPE_CHECKING:
    from mixvllm.settings.layers.yaml_file import ConfigFile


@dataclass(frozen=True)
class Sources:
    """Everything that settings are read from, passed in: nothing is looked up unasked.

    Attributes:
        flags: The flags that were given.
        pass_through: What followed `--`.
        arguments: Flags that a Python program gives by name.
        config: The file that `--config` names.
        profile: The profile that `--profile` names.
        environment: The variables.
        directory: Where `./mixvllm.yaml` is looked for.
    """

    flags: Sequence[GivenFlag] = ()
    pass_through: Sequence[str] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    config: Path | None = None
    profile: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path()


@dataclass(frozen=True)
class Resolved:
    """The settings of one command, with their provenance and the warnings about them."""

    settings: ServeConfig
    values: tuple[ResolvedValue, ...]
    warnings: tuple[Problem, ...] = ()
    config_file: str | None = None

    def value(self, key: str) -> ResolvedValue:
        """One value by its canonical key.

        Raises:
            KeyError: no setting has this key.
        """
        return next(value for value in self.values if value.key == key)


def resolve(sources: Sources) -> Resolved:
    """Read, check and merge all layers.

    Raises:
        SettingsError: with every problem of every layer.
    """
    config_file, chosen = _choose_file(sources)
    readings = [
        validate(read_environment(sources.environment)),
        validate(
            read_command_line(sources.flags, sources.pass_through)
            + read_arguments(sources.arguments)
        ),
        validate(_read_file(config_file, sources)),
    ]
    problems = [*chosen.problems, *(p for reading in readings for p in reading.problems)]
    if errors_of(problems):
        raise invalid_settings(problems)
    merged = merge(readings)
    warnings = (*problems, *_beaten_flags(merged.values))
    named = config_file.file if config_file else None
    return Resolved(merged.settings, merged.values, warnings, named)


def require_model(settings: ServeConfig, command: str = "serve") -> str:
    """The model's name.

    Args:
        settings: The settings.
        command: The command that wants it, for the way out.

    Raises:
        SettingsError: no layer names a model.
    """
    if settings.model.name is None:
        raise SettingsError(
            "--model is required when not using --config",
            hint=f"Name the model in one of three ways: `mixvllm {command} MODEL`, "
            "`model: {name: ...}` in the file of --config, or MIXVLLM_MODEL__NAME. "
            f"`mixvllm {command} demo` takes a small embedded one.",
            code="model-required",
        )
    return settings.model.name


def invalid_settings(problems: Sequence[Problem]) -> SettingsError:
    """The error for problems that stop, with a message that counts them."""
    count = len(errors_of(problems))
    noun = "problem" if count == 1 else "problems"
    return SettingsError(f"The settings have {count} {noun}.", problems=problems)


def _choose_file(sources: Sources) -> tuple[ConfigFile | None, Reading]:
    """The file to read: the environment's, else the flag's, else `./mixvllm.yaml`."""
    variable = sources.environment.get(CONFIG_VARIABLE)
    warning: tuple[Problem, ...] = ()
    if variable:
        if sources.config and Path(variable) != sources.config:
            warning = (_overridden(CONFIG_VARIABLE, variable, "--config", str(sources.config)),)
        named: Path | None = Path(variable)
    elif sources.config:
        named = sources.config
    else:
        default = sources.directory / DEFAULT_FILE
        named = default if default.is_file() else None
    return _read_named(named), Reading(problems=warning)


def _read_named(path: Path | None) -> ConfigFile | None:
    if path is None:
        return None
    # Most commands are typed without a file, and do without ruamel.yaml.
    from mixvllm.settings.layers.yaml_file import read_config_file

    return read_config_file(path)


def _read_file(file: ConfigFile | None, sources: Sources) -> Reading:
    variable = sources.environment.get(PROFILE_VARIABLE)
    name = variable or sources.profile
    written = PROFILE_VARIABLE if variable else "--profile"
    problems: tuple[Problem, ...] = ()
    if variable and sources.profile and variable != sources.profile:
        problems = (_overridden(PROFILE_VARIABLE, variable, "--profile", sources.profile),)
    if file is None or (name and name not in file.profiles):
        if name:
            problems = (*problems, _unknown_profile(name, written, file))
        return (file.base if file else Reading()) + Reading(problems=problems)
    return file.with_profile(name) + Reading(problems=problems)


def _unknown_profile(name: str, written: str, file: ConfigFile | None) -> Problem:
    if file is None:
        message = f"names the profile {name!r}, but no config file is given"
        suggestion = None
    elif not file.profiles:
        message = f"names the profile {name!r}, but {file.file} has no `{PROFILES_KEY}:`"
        suggestion = None
    else:
        known = ", ".join(file.profiles)
        message = f"names the profile {name!r}, which {file.file} does not have; it has {known}"
        suggestion = nearest(name, file.profiles)
    source = "environment" if written == PROFILE_VARIABLE else "command line"
    return Problem(
        message=message,
        key=written,
        suggestion=suggestion,
        source="environment" if source == "environment" else "command line",
        code="unknown-setting",
    )


def _overridden(winner: str, value: object, flag: str, beaten: object) -> Problem:
    return Problem(
        message=f"{winner}={value} overrides {flag} {beaten}: the environment is above flags",
        severity="warning",
        source="environment",
        code="conflicting-values",
    )


def _beaten_flags(values: Sequence[ResolvedValue]) -> list[Problem]:
    """One line for each variable that beats a flag with another value."""
    warnings = []
    for value in values:
        if value.origin.layer is not Layer.ENVIRONMENT:
            continue
        for beaten in value.overrides:
            if beaten.origin.layer is Layer.COMMAND_LINE and beaten.value != value.value:
                shown = ("***", "***") if value.is_secret else (value.value, beaten.value)
                warnings.append(
                    _overridden(str(value.origin.name), shown[0], beaten.written, shown[1])
                )
    return warnings
