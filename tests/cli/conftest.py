"""The `mixvllm` command, run in a directory of its own."""

from pathlib import Path

import pytest

from tests.cli.command import Command


@pytest.fixture
def mixvllm(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(capsys)
