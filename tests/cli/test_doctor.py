from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.gpus import stand_in as machines
from tests.gpus.engines import server
from tests.gpus.stand_in import StandIn

CODE = """
import sys
from mixvllm.cli.app import main
try:
    main()
finally:
    heavy = [name for name in ("torch", "vllm", "pynvml") if name in sys.modules]
    assert not heavy, heavy
"""


def doctor(
    environment: dict[str, str], directory: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE, "doctor", *options],
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_line_is_ok_warning_or_error_and_problems_have_a_fix(
    stand_in: StandIn, tmp_path: Path
) -> None:
    ran = doctor(stand_in.plays(machines.ONE_LOST), tmp_path, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    report = json.loads(ran.stdout)
    assert list(report) == ["ok", "checks"]
    assert report["ok"] is False
    for check in report["checks"]:
        assert list(check) == ["name", "status", "message", "fix"]
        assert check["status"] in ("ok", "warning", "error")
        assert check["status"] == "ok" or check["fix"]
    names = [check["name"] for check in report["checks"]]
    for name in ("mixvllm", "vLLM", "GPUs", "GPU 1", "leftovers", "shared memory", "open files"):
        assert name in names
    for name in ("hub token", "hub cache", "disk", "config", "environment", "port", "servers"):
        assert name in names


def test_strict_is_a_no_where_there_are_problems(stand_in: StandIn, tmp_path: Path) -> None:
    environment = stand_in.plays(machines.ONE_LOST)
    ran = doctor(environment, tmp_path, "--strict")
    assert ran.returncode == 3
    assert "fix: sudo dmesg | grep -i xid" in ran.stdout
    assert "error" in ran.stdout.splitlines()[-1]


def test_a_driver_that_hangs_does_not_hold_it_up(stand_in: StandIn, tmp_path: Path) -> None:
    began = time.monotonic()
    ran = doctor(stand_in.plays(machines.HANGING), tmp_path, "--json")
    assert time.monotonic() - began < 20
    checks = {check["name"]: check for check in json.loads(ran.stdout)["checks"]}
    assert "did not answer within 1.2 s" in checks["GPUs"]["message"]


def test_an_orphan_is_told_with_the_command_that_ends_it(tmp_path: Path) -> None:
    with server() as dead:
        dead.die()
        ran = doctor(dict(os.environ), tmp_path, "--json")
    check = next(c for c in json.loads(ran.stdout)["checks"] if c["name"] == "leftovers")
    assert check["status"] == "warning"
    assert str(dead.engine) in check["fix"].split()
