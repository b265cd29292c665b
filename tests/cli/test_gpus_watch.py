from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.cli.terminal import Terminal, terminal
from tests.gpus import stand_in as machines
from tests.gpus.stand_in import MIB, StandIn, h100, machine

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = b"\x1b[?25l", b"\x1b[?25h"


def end(shown: Terminal, how: str) -> None:
    if how == "Ctrl-C":
        shown.press_ctrl_c()
    else:
        shown.terminate()


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_the_terminal_is_left_as_it_was(stand_in: StandIn, how: str) -> None:
    environment = stand_in.plays(machines.TWO_H100)
    with terminal(["gpus", "--watch", "0.2"], environment) as shown:
        shown.wait_for("Ctrl-C ends", times=3)
        end(shown, how)
        assert shown.wait() == 0
    assert shown.written.count(ENTER) == shown.written.count(LEAVE) == 1
    after = shown.written[shown.written.index(LEAVE) :]
    assert shown.written.rindex(SHOW_CURSOR) > shown.written.rindex(HIDE_CURSOR)
    assert b"Traceback" not in shown.written
    assert b"H100" not in after


def test_nothing_is_cleared_between_two_pictures(stand_in: StandIn) -> None:
    with terminal(["gpus", "--watch", "0.2"], stand_in.plays(machines.TWO_H100)) as shown:
        shown.wait_for("Ctrl-C ends", times=4)
        shown.press_ctrl_c()
        shown.wait()
    during = shown.written[shown.written.index(ENTER) + len(ENTER) : shown.written.index(LEAVE)]
    first_picture = during.index(b"Ctrl-C ends")
    assert b"\x1b[2J" not in during[first_picture:]
    assert b"\x1b[2K" not in during[first_picture:]


def test_every_picture_is_a_new_reading(stand_in: StandIn) -> None:
    environment = stand_in.plays(machine(h100(temperature=40)))
    with terminal(["gpus", "--watch", "0.2"], environment) as shown:
        shown.wait_for("40 °C")
        stand_in.plays(machine(h100(temperature=77)))
        shown.wait_for("77 °C")
        shown.press_ctrl_c()
        assert shown.wait() == 0


def test_a_gpu_that_is_lost_on_the_way_is_shown_as_lost(stand_in: StandIn) -> None:
    environment = stand_in.plays(machines.TWO_H100)
    with terminal(["gpus", "--watch", "0.2"], environment, columns=140) as shown:
        shown.wait_for("Ctrl-C ends")
        stand_in.plays(machines.ONE_LOST)
        shown.wait_for("fallen off the bus")
        shown.press_ctrl_c()
        assert shown.wait() == 0


def test_without_a_value_it_is_every_two_seconds(stand_in: StandIn) -> None:
    with terminal(["gpus", "--watch"], stand_in.plays(machines.TWO_H100)) as shown:
        shown.wait_for("every 2 s")
        shown.press_ctrl_c()
        assert shown.wait() == 0


def test_more_gpus_than_rows_do_not_scroll(stand_in: StandIn) -> None:
    with terminal(["gpus", "--watch", "0.2"], stand_in.plays(machines.EIGHT), rows=8) as shown:
        shown.wait_for("Ctrl-C ends", times=3)
        shown.press_ctrl_c()
        assert shown.wait() == 0
    during = shown.written[shown.written.index(ENTER) : shown.written.index(LEAVE)]
    pictures = during.split(b"Ctrl-C ends")[1:-1]
    assert all(picture.count(b"\n") < 8 for picture in pictures)


def test_in_a_pipe_one_table_follows_another(stand_in: StandIn) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mixvllm", "gpus", "--watch", "0.1"],
        env=stand_in.plays(machine(h100(memory={"total": MIB << 10, "reserved": 0, "used": 0}))),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    headers = 0
    while headers < 3:
        headers += process.stdout.readline().startswith("NVIDIA driver")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate()
    assert process.returncode == 0
    assert "\x1b" not in rest


def test_json_is_of_one_moment(stand_in: StandIn) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mixvllm", "gpus", "--json", "--watch"],
        env=stand_in.plays(machines.TWO_H100),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "--watch goes with no other option" in json.loads(ran.stdout)["error"]["message"]
