"""The stand-in for NVIDIA's library is that of `gpus`."""

from tests.gpus.conftest import nvml_library, stand_in

__all__ = ["nvml_library", "stand_in"]
