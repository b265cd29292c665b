"""The light start: commands that only talk load nothing heavy, tried in a fresh interpreter."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from mixvllm.cli.app import COMMANDS

HEAVY = ("torch", "vllm", "transformers", "fastapi", "starlette", "uvicorn", "mcp", "openai")
CONFIG_FILE = "model:\n  name: org/model\n"
CODE = """
import sys
from mixvllm.cli.app import main
try:
    main()
except SystemExit as ended:
    status = ended.code or 0
else:
    status = 0
loaded = [name for name in {heavy} if name in sys.modules]
print("loaded:", *loaded, file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "--version",
        *(f"{name} --help" for name in COMMANDS),
        "config validate --help",
        "config validate light.yaml",
        "config validate light.yaml --gpu H100",
        "config show --help",
        "config show --config light.yaml",
        "config show --config light.yaml --format yaml",
        "config show --config light.yaml --format json",
        "config show --config light.yaml --vllm-args",
        "config schema",
        "config init --model org/model -",
        "config init --model Qwen/Qwen3-8B --gpu L40S --concurrency 4 -",
        "estimate-kv demo",
        "estimate-kv openai/gpt-oss-20b --kv-cache-memory 40GiB --json",
        "estimate-kv --list",
        "explain",
        "explain kv-cache",
        "explain --gpu-memory",
        "status",
        "gpus",
        "gpus --json",
        "doctor",
    ],
)
def test_a_command_that_only_talks_loads_nothing_heavy(command: str, tmp_path: Path) -> None:
    (tmp_path / "light.yaml").write_text(CONFIG_FILE)
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY), *command.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "loaded:"
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_none_of_its_modules() -> None:
    code = "import mixvllm, sys; print(*[n for n in sys.modules if n.startswith('mixvllm.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_conversation_loads_nothing_heavy_before_it_asks() -> None:
    heavy = f"print('loaded:', *(name for name in {HEAVY} if name in sys.modules))"
    code = f"import sys, mixvllm.chat.conversation, mixvllm.chat.slash_commands; {heavy}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "loaded:"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists(name: str) -> None:
    module = importlib.import_module(COMMANDS[name][0])
    assert module.app is not None


# A process begins with the size of the one that it is forked from: a small one starts it.
PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "mixvllm", *sys.argv[1:]], check=True, stdout=-3)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_an_estimate_holds_less_than_150_mb(tmp_path: Path) -> None:
    asked = ["estimate-kv", "openai/gpt-oss-20b", "--explain", "--gpu", "H100"]
    command = [sys.executable, "-c", PEAK, *asked]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    assert int(done.stdout) * 1024 < 150 * 10**6
