"""The machines of these tests; without a C compiler they say that they skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gpus.stand_in import COMPILER, StandIn, compile_library


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if COMPILER is None:
        pytest.skip("no C compiler (cc, gcc) to build the stand-in for libnvidia-ml.so.1")
    return compile_library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def stand_in(nvml_library: Path, tmp_path: Path) -> StandIn:
    return StandIn(nvml_library, tmp_path)
