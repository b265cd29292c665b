"""`mixvllm gpus` on machines that a stand-in for NVIDIA's library plays, and on this one."""

from __future__ import annotations

import getpass
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from mixvllm.cli.json_shape import shape_of
from mixvllm.cli.json_shapes_made import shape_of_class
from mixvllm.gpus.device import Inventory
from mixvllm.render.gpus_json import inventory_as_json
from mixvllm.server.registry import RegistryEntry, RunningServer, process_start
from tests.cli.gpus_command import gpus
from tests.gpus import stand_in as machines
from tests.gpus.engines import server
from tests.gpus.stand_in import MIB, StandIn, h100, machine

SNAPSHOTS = Path(__file__).parent / "gpus_snapshots"
WIDTHS = (80, 140)
HIDDEN_PID = 4_000_000
DOCUMENTED = shape_of_class(Inventory, inventory_as_json)


def lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


SCENARIOS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "two_h100": (machines.TWO_H100, {}),
    "mixed": (machines.MIXED, {}),
    "mixed_one_hidden": (machines.MIXED, {"CUDA_VISIBLE_DEVICES": "1"}),
    "mig": (machines.MIG, {"CUDA_VISIBLE_DEVICES": "MIG-00000002-dddd-eeee-ffff-0123456789ab"}),
    "unified_memory": (machines.UNIFIED, {}),
    "one_lost": (machines.ONE_LOST, {}),
    "driver_mismatch": (machines.MISMATCH, {}),
    "driver_not_loaded": (machines.NOT_LOADED, {}),
    "no_permission": (machines.FORBIDDEN, {}),
    "all_hidden": (machines.TWO_H100, {"CUDA_VISIBLE_DEVICES": ""}),
}


@pytest.mark.parametrize("width", [40, 55, 65])
def test_a_narrow_terminal_keeps_what_tells_gpus_apart_and_cuts_no_number(
    stand_in: StandIn, width: int
) -> None:
    ran = gpus(stand_in.plays(machines.TWO_H100), width=width)

    assert max(map(len, ran.out.splitlines())) <= width
    assert re.search(r"^0    H100 80GB HBM3 .*69\.7/79\.6 GiB  98 %", ran.out, re.MULTILINE)
    assert "…" not in ran.out


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_machine_is_shown_at_both_widths(stand_in: StandIn, name: str) -> None:
    plays, variables = SCENARIOS[name]
    environment = stand_in.plays(plays) | variables
    shown = []
    for width in WIDTHS:
        ran = gpus(environment, width=width)
        assert (ran.code, ran.err) == (0, "")
        assert max(map(len, ran.out.splitlines())) <= width
        shown.append(f"{width} columns\n\n{lines(ran.out)}")
    compare(name, "\n".join(shown))


def compare(name: str, text: str) -> None:
    """Compare with the snapshot; with UPDATE_SNAPSHOTS=1 write it."""
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_json_has_every_key_and_no_zero_for_what_is_unknown(
    stand_in: StandIn, name: str
) -> None:
    plays, variables = SCENARIOS[name]
    ran = gpus(stand_in.plays(plays) | variables, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert DOCUMENTED | shape_of(ran.json) == DOCUMENTED
    assert list(ran.json) == ["gpus", "driver", "cuda", "source", "reason", "cuda_visible_devices"]
    for gpu in ran.json["gpus"]:
        assert list(gpu) == [
            "index",
            "uuid",
            "name",
            "memory_total_bytes",
            "memory_reserved_bytes",
            "memory_used_bytes",
            "memory_free_bytes",
            "utilization_percent",
            "temperature_c",
            "power_w",
            "power_limit_w",
            "compute_capability",
            "mig",
            "processes",
            "visible_as",
            "error",
        ]
        assert gpu["memory_total_bytes"] != 0
    assert (ran.json["source"] == "none") == (ran.json["gpus"] == [])
    assert (ran.json["source"] == "none") == (ran.json["reason"] is not None)


def test_a_driver_that_hangs_costs_the_timeout_and_no_more(stand_in: StandIn) -> None:
    ran = gpus(stand_in.plays(machines.HANGING), "--timeout", "1.5")
    assert ran.code == 0
    assert ran.out.startswith("No GPU can be read: NVIDIA's driver did not answer within 1.5 s")


def test_without_a_gpu_there_is_one_sentence_and_valid_json(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_text("no library")
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path)}
    ran = gpus(environment)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("No GPU found: NVIDIA's management library cannot be loaded")
    ran = gpus(environment, "--json", "--require", "1")
    assert (ran.code, ran.json["gpus"], ran.json["source"]) == (3, [], "none")
    assert ran.err == "warning: Asked for 1 usable GPU; none is here.\n"


@pytest.mark.parametrize(
    ("options", "variables", "code", "words"),
    [
        (["--require", "2"], {}, 0, ""),
        (["--require", "3"], {}, 3, "Asked for 3 usable GPUs; 2 are here."),
        (["--require", "2"], {"CUDA_VISIBLE_DEVICES": "1"}, 3, "1 is here."),
        (["--free", "40GiB"], {}, 0, ""),
        (["--free", "40GiB", "--require", "2"], {}, 3, "with 40.00 GiB free; 1 is here."),
        (["--free", "80GiB"], {}, 3, "Asked for 1 usable GPU with 80.00 GiB free; none is here."),
    ],
)
def test_a_script_learns_whether_there_is_enough(
    stand_in: StandIn, options: list[str], variables: dict[str, str], code: int, words: str
) -> None:
    ran = gpus(stand_in.plays(machines.TWO_H100) | variables, *options)
    assert ran.code == code
    assert ran.err.rstrip().endswith(words)


def test_slices_are_never_counted_as_gpus(stand_in: StandIn) -> None:
    environment = stand_in.plays(machines.MIG)
    assert gpus(environment, "--require", "1").code == 0
    assert gpus(environment, "--require", "2").code == 3
    assert gpus(environment, "--free", "60GiB").code == 3


def test_memory_that_is_not_known_is_not_free(stand_in: StandIn) -> None:
    ran = gpus(stand_in.plays(machines.UNIFIED), "--free", "1GiB")
    assert ran.code == 3
    assert ran.err.endswith("The free memory of 1 more is not known.\n")


@pytest.mark.parametrize(
    "options",
    [
        ["--free", "lots"],
        ["--free", "0GiB"],
        ["--require", "0"],
        ["--watch", "0"],
        ["--watch", "often"],
        ["--watch", "--json"],
        ["--watch", "2", "--require", "1"],
        ["--timeout", "-1"],
    ],
)
def test_a_wrong_option_is_a_usage_error(options: list[str]) -> None:
    ran = gpus(dict(os.environ), *options)
    assert ran.code == 2
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["joined", "switched"])
def test_the_links_between_gpus_are_a_matrix(stand_in: StandIn, name: str) -> None:
    environment = stand_in.plays(machines.JOINED if name == "joined" else machines.SWITCHED)
    ran = gpus(environment, "--topology", width=80)
    assert ran.code == 0
    compare(f"topology_{name}", lines(ran.out))
    links = gpus(environment, "--topology", "--json").json["links"]
    assert [links[i][i] for i in range(4)] == [None] * 4
    assert links[0][1] == ("NV4" if name == "joined" else "NV18")
    assert links == [list(row) for row in zip(*links, strict=True)]


def test_a_link_to_a_lost_gpu_is_not_known(stand_in: StandIn) -> None:
    links = gpus(stand_in.plays(machines.ONE_LOST), "--topology", "--json").json["links"]
    assert links == [[None] * 3] * 3


def test_processes_are_named_and_marked(stand_in: StandIn, tmp_path: Path) -> None:
    with server() as ours, server() as left, server("--api-key", "sk-1") as other:
        left.die()
        began = process_start(ours.process.pid)
        entry = RegistryEntry(
            RunningServer(ours.process.pid, began, "::", 8000, "http://x", "m", "ready", began)
        )
        assert str(entry.path).startswith(str(tmp_path))
        holders = [ours.engine, left.engine, other.engine, other.process.pid, HIDDEN_PID]
        eight = [h100(index) for index in range(8)]
        for index, pid in enumerate(holders):
            eight[index]["processes"] = [{"pid": pid, "memory": (index + 1) * 1024 * MIB}]
        environment = stand_in.plays(machine(*eight))
        told = gpus(environment, "--json").json["gpus"]
        outputs = {width: gpus(environment, width=width).out for width in WIDTHS}
    kinds = [gpu["processes"][0]["kind"] for gpu in told[:5]]
    assert kinds == ["mixvllm", "orphan", "vllm", "other", None]
    assert [gpu["processes"] for gpu in told[5:]] == [[]] * 3
    assert told[0]["processes"][0] | {"command": None} == {
        "pid": ours.engine,
        "memory_bytes": 1024 * MIB,
        "name": "VLLM::EngineCore",
        "user": getpass.getuser(),
        "command": None,
        "kind": "mixvllm",
    }
    assert told[3]["processes"][0]["command"].endswith("--api-key ***")
    hidden = {"pid": HIDDEN_PID, "name": None, "user": None, "command": None, "kind": None}
    assert told[4]["processes"] == [hidden | {"memory_bytes": 5120 * MIB}]
    names = {str(pid): f"pid{index}" for index, pid in enumerate(holders)}
    names[getpass.getuser()] = "user"
    shown = [f"{width} columns\n\n{stable(outputs[width], names)}" for width in WIDTHS]
    compare("eight_with_processes", "\n".join(shown))


def stable(text: str, names: dict[str, str]) -> str:
    """The output without what differs from machine to machine."""
    for name, instead in names.items():
        text = text.replace(name, instead)
    # The way to the interpreter is cut off where it does not fit.
    begin = re.escape(sys.executable[:8])
    text = re.sub(rf" {begin}\S*.*", " python ...", re.sub(r"(EngineCore) .*", r"\1 ...", text))
    return re.sub(r" {2,}", "  ", lines(text))
