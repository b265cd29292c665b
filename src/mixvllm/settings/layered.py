"""Settings that are merged from layers by pydantic-settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource


class LayeredSettings(BaseSettings):
    """A settings model whose only sources are the layers that it is given."""

    @classmethod
    def from_layers(cls, layers: Sequence[Mapping[str, Mapping[str, Any]]]) -> Self:
        """Merge layers (section → field → value), the highest first.

        Raises:
            ValidationError: a value is refused.
        """
        given: dict[str, Any] = {"layers": layers}
        return cls(**given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the layers of `from_layers` in place of pydantic-settings' own sources.

        Its own environment source keeps no provenance and ignores mistyped names, so
        `mixvllm.settings.layers` reads the environment; here only the merging is left to it.
        """
        assert isinstance(init_settings, InitSettingsSource)
        layers = init_settings.init_kwargs.pop("layers", ())
        given = (InitSettingsSource(settings_cls, init_kwargs=layer) for layer in layers)
        return (init_settings, *given)
