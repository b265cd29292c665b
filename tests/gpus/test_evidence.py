from __future__ import annotations

from pathlib import Path

import pytest

from mixvllm.gpus.device import Failure
from mixvllm.gpus.evidence import built_for, no_use_asking_torch
from mixvllm.gpus.nodes import device_nodes
from tests.gpus.packages import add_package, look_only_at

ABSENT = Failure("it is not installed", is_absent=True)
BROKEN = Failure("it is broken")


def node(root: Path, path: str, vendor: str | None = None) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).touch()
    if vendor is not None:
        file = root / "sys/class/drm" / Path(path).name / "device/vendor"
        file.parent.mkdir(parents=True)
        file.write_text(f"{vendor}\n")


def test_devices_tell_the_vendors(tmp_path: Path) -> None:
    assert device_nodes(tmp_path).vendors == set()
    node(tmp_path, "dev/kfd")
    node(tmp_path, "dev/dri/renderD128", vendor="0x8086")
    assert device_nodes(tmp_path).vendors == {"AMD", "Intel"}
    node(tmp_path, "dev/nvidiactl")
    assert str(device_nodes(tmp_path)) == "AMD and Intel and NVIDIA"


@pytest.mark.parametrize("vendor", ["0x1234", "0x10de", None])
def test_a_screen_without_a_known_vendor_is_no_gpu_for_vllm(
    tmp_path: Path, vendor: str | None
) -> None:
    node(tmp_path, "dev/dri/renderD128", vendor=vendor)
    assert device_nodes(tmp_path).vendors == set()


@pytest.mark.parametrize(
    ("version", "vendors"),
    [
        ("2.13.0+cpu", set()),
        ("2.13.0+cu130", {"NVIDIA"}),
        ("2.13.0+rocm7.0", {"AMD"}),
        ("2.13.0+xpu", {"Intel"}),
        ("2.13.0", {"NVIDIA", "AMD", "Intel"}),
        ("2.13.0+gitabc", {"NVIDIA", "AMD", "Intel"}),
    ],
)
def test_the_version_of_torch_tells_for_whom_it_was_built(version: str, vendors: set[str]) -> None:
    assert built_for(version) == vendors


@pytest.mark.parametrize(
    ("nodes", "nvml", "torch", "words"),
    [
        ([], ABSENT, "2.13.0", "there is no device of a GPU here"),
        (["dev/nvidiactl"], BROKEN, "2.13.0", "there is no device of another vendor"),
        (["dev/kfd"], ABSENT, None, "there is a device of AMD, but no PyTorch to ask about it"),
        (
            ["dev/kfd"],
            ABSENT,
            "2.13.0+cpu",
            "there is a device of AMD, but PyTorch 2.13.0+cpu is not built for it",
        ),
        (["dev/kfd"], BROKEN, "2.13.0+rocm7.0", None),
        (["dev/nvidiactl"], ABSENT, "2.13.0+cu130", None),
    ],
)
def test_torch_is_asked_only_where_it_may_know_better(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nodes: list[str],
    nvml: Failure,
    torch: str | None,
    words: str | None,
) -> None:
    for each in nodes:
        node(tmp_path, each)
    look_only_at(tmp_path / "site", monkeypatch)
    if torch is not None:
        add_package(tmp_path / "site", "torch", torch)
    useless = no_use_asking_torch(nvml, tmp_path)
    assert (useless and useless.message) == words
