"""Run the real command line in this process and keep what it said."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from mixvllm.cli.app import run


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """`mixvllm`, as a user calls it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        code = run(arguments)
        said = self.capsys.readouterr()
        return Ran(code, said.out, said.err)
