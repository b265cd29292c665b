"""Start-up of the commands that only talk, against an interpreter that imports typer and rich.

    nox -s bench -- benchmarks/start.py

Each round runs the baseline and every command once, one after another, so that whatever else the
machine does meets all of them alike. Printed are medians over the rounds and their ratio, and the
most memory that a command held.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 20
BASELINE = [sys.executable, "-c", "import typer, rich"]
# What users type, and how many times the baseline it may take.
COMMANDS = {
    "mixvllm --help": 2.0,
    "mixvllm gpus": 2.0,
    "mixvllm chat --help": 2.0,
    "mixvllm explain kv-cache": 2.0,
    "mixvllm config show --config file.yaml": 5.0,
    "mixvllm config validate file.yaml": 5.0,
    # An estimate is made in it, so its bar is that of an estimate.
    "mixvllm config validate file.yaml --gpu H100": 6.0,
    "mixvllm estimate-kv openai/gpt-oss-20b": 6.0,
}
CONFIG_FILE = """\
model:
  name: microsoft/Phi-3-mini-4k-instruct
inference:
  gpus: 2
  gpu_memory: 0.9
server:
  port: 8000
generation:
  temperature: 0.7
"""


def seconds(command: list[str], directory: Path) -> float:
    """Run a command and return how long it took."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return time.perf_counter() - begun


def peak_mib(command: list[str], directory: Path) -> float:
    """Run a command and return the most memory that it held (Linux: `ru_maxrss` is in KiB)."""
    process = subprocess.Popen(
        command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    script = str(Path(sys.executable).with_name("mixvllm"))
    commands = {name: [script, *name.split()[1:]] for name in COMMANDS}
    measured: dict[str, list[float]] = {name: [] for name in ("baseline", *commands)}
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        (directory / "file.yaml").write_text(CONFIG_FILE)
        for command in (BASELINE, *commands.values()):
            seconds(command, directory)
        peaks = {name: peak_mib(command, directory) for name, command in commands.items()}
        for _ in range(ROUNDS):
            measured["baseline"].append(seconds(BASELINE, directory))
            for name, command in commands.items():
                measured[name].append(seconds(command, directory))
    medians = {name: statistics.median(values) for name, values in measured.items()}
    print(f"median of {ROUNDS} interleaved rounds")
    print(f"{'import typer, rich':42} {medians.pop('baseline') * 1000:6.0f} ms")
    baseline = statistics.median(measured["baseline"])
    for name, median in medians.items():
        ratio = f"{median / baseline:.2f}x (bar {COMMANDS[name]:g}x)"
        print(f"{name:42} {median * 1000:6.0f} ms  {ratio:20}  {peaks[name]:4.0f} MiB")


if __name__ == "__main__":
    main()
