"""Settings from one file, or from settings that there are: no environment, no search for files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mixvllm.settings.fields import PASS_THROUGH_SECTION, all_fields
from mixvllm.settings.layers.command_line import read_arguments
from mixvllm.settings.layers.defaults import DEMO_DEFAULTS
from mixvllm.settings.merge import merge
from mixvllm.settings.origin import Given, Layer, Origin
from mixvllm.settings.reading import Reading
from mixvllm.settings.resolve import Sources, invalid_settings, resolve
from mixvllm.settings.schema import DEMO_MODEL, ServeConfig
from mixvllm.settings.validate import errors_of, validate


def settings_of_file(path: Path, profile: str | None = None) -> ServeConfig:
    """The settings of a file over the defaults.

    Raises:
        SettingsError: with every problem of the file.
    """
    return resolve(Sources(config=path, profile=profile)).settings


def settings_with(settings: ServeConfig, arguments: Mapping[str, Any]) -> ServeConfig:
    """The settings with flags, given by name, above them.

    Raises:
        SettingsError: with everything that is wrong with the flags.
    """
    above = validate(read_arguments(arguments))
    if errors_of(above.problems):
        raise invalid_settings(above.problems)
    return merge([above, Reading(tuple(_given_in(settings)))]).settings


def given_keys(settings: ServeConfig) -> frozenset[str]:
    """The keys of those settings that somebody chose."""
    return frozenset(given.key for given in _given_in(settings))


def _given_in(settings: ServeConfig) -> Iterator[Given]:
    """What the settings say as a layer; what the demo model brings along is nobody's choice."""
    brought = DEMO_DEFAULTS if settings.model.name == DEMO_MODEL else {}
    origin = Origin(Layer.YAML)
    for field in all_fields():
        section = getattr(settings, field.section)
        value = getattr(section, field.name)
        is_brought = field.key in brought and brought[field.key] == value
        if field.name in section.model_fields_set and not is_brought:
            yield Given(field.key, field.key, value, origin)
    for name, value in settings.vllm.items():
        key = f"{PASS_THROUGH_SECTION}.{name}"
        yield Given(key, key, value, origin)
