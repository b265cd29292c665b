"""The settings: one pydantic model, a section each for model, inference, server and defaults.

Help texts, `docs/settings.md`, `configs/reference.yaml` and the JSON schema are made from here and
from `sections/`. Field names are vLLM's terms; `alias` is a short name accepted in YAML and in the
environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mixvllm.settings.layered import LayeredSettings
from mixvllm.settings.sections.generation_defaults import GenerationDefaultsConfig
from mixvllm.settings.sections.inference import InferenceConfig
from mixvllm.settings.sections.model import ModelConfig
from mixvllm.settings.sections.server import ServerConfig

__all__ = [
    "DEMO_MODEL",
    "GenerationDefaultsConfig",
    "InferenceConfig",
    "ModelConfig",
    "ServeConfig",
    "ServerConfig",
]

DEMO_MODEL = "demo"


def without_unset(arguments: dict[str, Any]) -> dict[str, Any]:
    """Drop what a layer set to null: it hides lower layers and is passed on to nobody."""
    return {name: value for name, value in arguments.items() if value is not None}


class ServeConfig(LayeredSettings):
    """All settings. Layers are merged by pydantic-settings in the order in which they are given."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: ModelConfig = Field(default_factory=ModelConfig)
    inference: InferenceConfig = Field(default_factory=InferenceConfig)
    server: ServerConfig = Field(default_factory=ServerConfig)
    generation_defaults: GenerationDefaultsConfig = Field(
        default_factory=GenerationDefaultsConfig, json_schema_extra={"x-alias": "generation"}
    )
    vllm: Annotated[dict[str, Any], AfterValidator(without_unset)] = Field(
        default_factory=dict,
        description="Any other vLLM argument by its own name, passed through.",
    )

    @property
    def served_name(self) -> str | None:
        """The name that requests use for the model."""
        return self.model.served_name or self.model.name

    def revealed(self) -> dict[str, Any]:
        """The settings as plain data with secrets in the clear: for processes of ours alone."""
        return {
            section: {
                name: value.get_secret_value() if isinstance(value, SecretStr) else value
                for name, value in values.items()
            }
            for section, values in self.model_dump().items()
        }

    @classmethod
    def from_yaml(cls, path: str | Path, profile: str | None = None) -> ServeConfig:
        """The settings of a file over the defaults; the environment is not asked.

        Raises:
            SettingsError: with every problem of the file.
        """
        from mixvllm.settings.direct import settings_of_file

        return settings_of_file(Path(path), profile)

    def merge_cli_args(self, args: Mapping[str, Any]) -> ServeConfig:
        """These settings with flags above them, as `vars(args)` of a parser holds them.

        Args:
            args: Flags of `mixvllm serve` by their names (`gpu_memory`); None is not given.

        Raises:
            SettingsError: with everything that is wrong with the flags.
        """
        from mixvllm.settings.direct import settings_with

        return settings_with(self, args)
