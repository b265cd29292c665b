"""The `mixvllm` command, run in a directory of its own."""

from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.gpus.conftest import nvml_library, stand_in

__all__ = ["mixvllm", "nvml_library", "stand_in"]


@pytest.fixture
def mixvllm(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Command:
    monkeypatch.chdir(tmp_path)
    # What is estimated without --gpu would be planned for the GPUs of whoever runs the tests.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return Command(capsys)
