import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from mixvllm.server.output_capture import KEPT_LOGS, new_log_file

CAPTURING = """
import os, subprocess, sys
from pathlib import Path
from mixvllm.server.output_capture import capture_output
log, echo = Path(sys.argv[1]), str if sys.argv[2] == "echo" else None
lines = []
with capture_output(log, echo=echo) as capture:
    capture.subscribe(lines.append)
    print("from python")
    sys.stdout.flush()
    os.write(2, b"from C\\rfrom a bar\\r\\n")
    subprocess.run([sys.executable, "-c", "print('from a child')"])
    capture.stdout.write("to the terminal\\n")
print(lines)
"""


def capture(log: Path, mode: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CAPTURING, str(log), mode]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_everything_that_is_written_goes_to_the_log_and_to_the_listeners(tmp_path: Path) -> None:
    ran = capture(tmp_path / "log", "quiet")

    lines = ["from python", "from C", "from a bar", "from a child"]
    assert (tmp_path / "log").read_text().split() == " ".join(lines).split()
    assert ran.stdout == f"to the terminal\n{lines}\n"
    assert ran.stderr == ""


def test_with_echo_the_terminal_sees_it_too(tmp_path: Path) -> None:
    ran = capture(tmp_path / "log", "echo")

    assert ran.stderr.splitlines() == ["from python", "from C", "from a bar", "from a child"]


def test_a_log_is_for_this_user_alone_and_old_ones_go(tmp_path: Path) -> None:
    for second in range(KEPT_LOGS + 5):
        (tmp_path / f"serve-20260101-0000{second:02}-1.log").touch()
    (tmp_path / "other.txt").touch()

    log = new_log_file(tmp_path, now=datetime(2026, 2, 1))

    assert log.stat().st_mode & 0o777 == 0o600
    kept = sorted(tmp_path.glob("serve-*.log"))
    assert len(kept) == KEPT_LOGS
    assert kept[-1] == log
    assert (tmp_path / "other.txt").exists()


@pytest.mark.parametrize("mode", ["quiet", "echo"])
def test_a_line_without_an_end_is_not_lost(tmp_path: Path, mode: str) -> None:
    script = CAPTURING.replace('print("from python")', 'print("unfinished", end="")').replace(
        'os.write(2, b"from C\\\\rfrom a bar\\\\r\\\\n")', ""
    )
    command = [sys.executable, "-c", script, str(tmp_path / "log"), mode]
    subprocess.run(command, capture_output=True, check=True)

    assert "unfinished" in (tmp_path / "log").read_text()
