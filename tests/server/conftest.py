"""Asynchronous tests run on asyncio; the stand-in for NVIDIA's library is that of `gpus`."""

import pytest

from tests.gpus.conftest import nvml_library, stand_in

__all__ = ["nvml_library", "stand_in"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
