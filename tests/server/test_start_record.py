"""What a server keeps of its own start."""

from pathlib import Path
from typing import Any

import pytest

from mixvllm.memory.gpu_table import Gpu, find_gpu
from mixvllm.models.find import find_model
from mixvllm.server.start_record import StartRecord
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.measurements import identity_of, kept
from mixvllm.sizing.serving import served_estimate
from mixvllm.vllm_internals.installed import InstalledEngine

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
ENGINE = InstalledEngine("0.32.0", "gpu")
H100 = find_gpu("H100")
LINES = (
    "(EngineCore pid=9) INFO 11-22 17:16:18 [core.py:133] Initializing a V1 LLM engine (v0.32.0) "
    f"with config: model='{MODEL}', dtype=torch.bfloat16, max_seq_len=32768",
    "(Worker pid=10) INFO 11-22 17:16:20 [gpu_model_runner.py:5150] Model loading took 14.99 GiB "
    "memory and 3.000000 seconds",
    "(Worker pid=10) INFO 11-22 17:16:30 [gpu_worker.py:760] Available KV cache memory: 53.5 GiB",
    "(EngineCore pid=9) INFO 11-22 17:16:31 [core.py:402] init engine (profile, create kv cache, "
    "warmup model) took 12.42 s",
)


def started(gpu: Gpu | None = H100, **inference: Any) -> tuple[ServeConfig, Path | None]:
    """The settings of a server that printed these lines, and what it kept."""
    sections = {"model": {"name": MODEL}, "inference": {"max_model_len": 32_768, **inference}}
    settings = ServeConfig.from_layers([sections])
    record = StartRecord(settings, ENGINE, gpu=gpu)
    for line in LINES:
        record.read(line)
    return settings, record.keep()


def test_a_start_is_kept_and_the_next_prediction_takes_it() -> None:
    settings, path = started()
    again = served_estimate(settings, ENGINE, gpu=H100)

    assert path is not None
    assert again.measured is not None
    assert again.measured.vllm_version == "0.32.0"
    assert again.capacity is not None
    assert abs(again.capacity.pool_bytes / (1 << 30) - 53.5) < 0.01


def test_a_start_again_replaces_the_figures() -> None:
    started()
    started()

    assert len(kept(identity_of(find_model(MODEL), None)).measurements) == 1


@pytest.mark.parametrize("gpu", [None, find_gpu("80GiB")])
def test_a_gpu_without_a_name_keeps_nothing(gpu: Gpu | None) -> None:
    assert started(gpu)[1] is None


def test_a_cache_whose_size_was_given_keeps_nothing() -> None:
    sections = {"model": {"name": "demo"}}
    record = StartRecord(ServeConfig.from_layers([sections]), InstalledEngine("0.32.0", "cpu"))
    for line in LINES:
        record.read(line)

    assert record.keep() is None


def test_a_data_directory_that_cannot_be_written_hinders_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))

    assert started()[1] is None


def test_a_start_whose_lines_say_nothing_keeps_nothing() -> None:
    record = StartRecord(ServeConfig.from_layers([{"model": {"name": MODEL}}]), ENGINE, gpu=H100)
    record.read("hello")

    assert record.keep() is None
