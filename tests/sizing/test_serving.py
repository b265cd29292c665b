"""The estimate for a server, by the build of vLLM that serves."""

from pathlib import Path
from typing import Any

import pytest

from mixvllm.memory.gpu_table import find_gpu
from mixvllm.models.find import find_model
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing import serving
from mixvllm.sizing.serving import has_matrix_tiles, served_estimate, served_request
from mixvllm.vllm_internals.installed import InstalledEngine

CPU = InstalledEngine("0.32.0", "cpu")
GPU = InstalledEngine("0.32.0", "gpu")
DEMO: dict[str, Any] = {"dtype": "float32", "max_model_len": 4096, "enforce_eager": True}


def asked(model: str, vllm: dict[str, Any] | None = None, **inference: Any) -> ServeConfig:
    sections: dict[str, Any] = {"model": {"name": model}, "inference": inference}
    return ServeConfig.from_layers([{**sections, "vllm": vllm or {}}])


def test_the_cpu_build_has_blocks_of_128_and_the_pool_that_is_asked_for() -> None:
    answer = served_estimate(asked("demo", **DEMO, cpu_kv_cache_gib=1), CPU)

    assert answer.settings.block_size == 128
    assert answer.capacity is not None
    # What vLLM 0.32.0 printed for the demo model with 1 GiB.
    assert answer.capacity.tokens == 23_296
    assert f"{answer.capacity.max_concurrency:.2f}" == "5.69"
    assert answer.vllm_version == "0.32.0"


def test_an_argument_of_vllms_beats_the_pool_of_the_settings() -> None:
    settings = asked("demo", {"kv_cache_memory_bytes": 2 << 30}, **DEMO, cpu_kv_cache_gib=1)
    answer = served_estimate(settings, CPU)

    assert answer.capacity is not None
    assert answer.capacity.pool_bytes == 2 << 30


@pytest.mark.parametrize(("tiles", "block"), [(True, None), (False, 16)])
def test_without_matrix_tiles_latent_attention_has_blocks_of_16(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiles: bool, block: int | None
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("flags : sse2 amx_tile" if tiles else "flags : sse2")
    monkeypatch.setattr(serving, "CPU_INFO", info)
    settings = asked("deepseek-ai/DeepSeek-V2-Lite", {"block_size": 128})
    description = find_model("deepseek-ai/DeepSeek-V2-Lite").description
    request = served_request(settings, CPU, description)

    assert request.backend_block_size == block
    assert request.block_size == (128 if tiles else None)
    assert request.enable_prefix_caching is tiles


def test_a_cpu_that_tells_nothing_counts_as_one_without_tiles(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(serving, "CPU_INFO", tmp_path / "none")

    assert not has_matrix_tiles()


def test_the_gpu_build_needs_a_gpu_to_know_what_fits() -> None:
    settings = asked("Qwen/Qwen2.5-7B")

    assert served_estimate(settings, GPU).capacity is None
    on_gpu = served_estimate(settings, GPU, gpu=find_gpu("H100"))
    assert on_gpu.capacity is not None
    assert on_gpu.capacity.tokens > 500_000
