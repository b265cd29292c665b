"""The settings: `ServeConfig` and its sections."""

from mixvllm.settings.schema import (
    GenerationDefaultsConfig,
    InferenceConfig,
    ModelConfig,
    ServeConfig,
    ServerConfig,
)

__all__ = [
    "GenerationDefaultsConfig",
    "InferenceConfig",
    "ModelConfig",
    "ServeConfig",
    "ServerConfig",
]
