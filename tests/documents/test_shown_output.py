"""What README and manual show of a command is what it prints.

Blanks and line ends do not count, and a line `...` stands for whatever comes between.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mixvllm.cli.app import run
from mixvllm.vllm_internals.installed import installed_engine
from tests.documents.blocks import ROOT, Block, Command, commands, shell_blocks

COLUMNS = 80
# Files that the reader of a page has by then.
WRONG = """\
model:
  name: Qwen/Qwen3-8B
inference:
  gpu_memroy: 0.9
"""
FILES = {
    ("README.md", "phi3.yaml"): """\
model:
  name: microsoft/Phi-3-mini-4k-instruct
inference:
  gpus: 2
  gpu_memroy: 0.9
  max_model_len: 4096
server:
  port: 80
""",
    ("docs/start.md", "wrong.yaml"): WRONG,
}
# Why a command's output is not compared here.
NOT_COMPARED = {
    "mixvllm serve demo --host 127.0.0.1": "starts an engine",
    "mixvllm serve demo --cpu-kv-cache-gib 0.05 --no-preflight": "starts an engine",
    "mixvllm serve ./mine": "tests/models/test_completeness.py has these words",
    "mixvllm serve Qwen/Qwen3-8B": "of a machine with GPUs: tests/sizing/test_free_rules.py",
    "mixvllm estimate-kv --from-log llama.log --gpu A100 --save": "of a log of an A100",
    "mixvllm estimate-kv meta-llama/Llama-3.1-8B-Instruct --gpu A100 --vllm-version 0.17 "
    "--max-model-len 8192 --gpu-memory 0.8": "after that start was kept",
}


def has_output(command: Command) -> bool:
    return any(line.strip() for line in command.shown)


def is_compared(command: Command) -> bool:
    programs = {part[0] for part in command.parts()}
    # What `gpus` shows is of machines that the stand-in plays: tests/cli/test_gpus.py.
    return programs == {"mixvllm"} and command.parts()[0][1] not in ("gpus", "doctor", "chat")


def blocks_with_output() -> list[Block]:
    return [
        block
        for block in shell_blocks()
        if any(
            has_output(command) and is_compared(command) and command.line not in NOT_COMPARED
            for command in commands(block)
        )
    ]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize(
    "block", blocks_with_output(), ids=lambda block: f"{block.page}: {block.text.splitlines()[0]}"
)
def test_a_command_prints_what_the_page_shows(
    block: Block,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "mixvllm serve" in block.text and installed_engine() is None:
        pytest.skip("what is said depends on the installed vLLM")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    for (page, name), text in FILES.items():
        if page == block.page:
            Path(name).write_text(text, encoding="utf-8")
    for command in commands(block):
        if command.line in NOT_COMPARED or not is_compared(command):
            continue
        run(command.parts()[0][1:])
        said = capsys.readouterr()
        printed = squeezed(said.out) + squeezed(said.err)
        at = 0
        for piece in "\n".join(["", *command.shown, ""]).split("\n...\n"):
            wanted = squeezed(piece)
            found = printed.find(wanted, at)
            assert found >= 0, f"{command.line} does not print\n{piece}\nbut\n{said.out}{said.err}"
            at = found + len(wanted)


def test_no_exception_is_left_over() -> None:
    lines = {command.line for block in shell_blocks() for command in commands(block)}

    assert set(NOT_COMPARED) <= lines
    assert all((ROOT / page).is_file() for page, _ in FILES)
