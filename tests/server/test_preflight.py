from pathlib import Path

import pytest

from mixvllm.errors import ModelError, PreflightError
from mixvllm.server.model_files import check_local_model, is_local, locate_model
from mixvllm.server.preflight import run_preflight
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.resolve import Sources, resolve
from mixvllm.settings.schema import ModelConfig
from tests.server.processes import free_port


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["./m", "../m", "/m", "~/m", "a/b/c", "there", ".", ".."])
def test_a_name_that_is_a_path_is_local(name: str, here: Path) -> None:
    (here / "there").mkdir()

    assert is_local(name)


@pytest.mark.parametrize("name", ["owner/name", "gpt2", "demo", "owner/name.v1"])
def test_a_name_on_the_hub_is_not_local(name: str, here: Path) -> None:
    (here / "demo").mkdir()

    assert not is_local(name)


def test_a_directory_that_is_not_there_is_named_with_the_part_that_is(here: Path) -> None:
    with pytest.raises(ModelError) as raised:
        check_local_model("./models/mine")

    assert raised.value.message == "There is no model directory ./models/mine."
    assert raised.value.hint is not None
    assert str(here) in raised.value.hint


def test_a_directory_without_config_json_holds_no_model(here: Path) -> None:
    (here / "empty").mkdir()

    with pytest.raises(ModelError, match=r"no config\.json"):
        check_local_model("empty")


@pytest.mark.parametrize(
    ("file", "said"), [("good.yaml", "is a config file"), ("notes.txt", "neither a config")]
)
def test_a_file_that_is_no_model_is_refused_before_vllm_is_loaded(
    here: Path, file: str, said: str
) -> None:
    (here / file).write_text("model: {name: demo}\n")

    with pytest.raises(ModelError, match=said):
        check_local_model(file)


def test_a_directory_with_config_weights_and_tokenizer_passes(here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "config.json").write_text("{}")
    (here / "mine" / "pytorch_model.bin").touch()
    (here / "mine" / "tokenizer.json").touch()

    check_local_model("./mine")


def test_a_directory_without_weights_or_tokenizer_is_refused_unless_vllm_takes_others(
    here: Path,
) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "config.json").write_text("{}")

    with pytest.raises(ModelError, match="has no weights"):
        check_local_model("./mine")
    with pytest.raises(ModelError, match="has no tokenizer"):
        check_local_model("./mine", {"load_format": "dummy"})
    check_local_model("./mine", {"load_format": "dummy", "skip_tokenizer_init": True})


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\xff\xfe", b"[]"])
def test_a_directory_whose_config_json_is_none_is_refused(here: Path, content: bytes) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "config.json").write_bytes(content)

    with pytest.raises(ModelError, match=r"mine/config\.json"):
        check_local_model("./mine")


def test_settings_that_do_not_go_with_their_model_are_refused_before_the_port_is_taken() -> None:
    resolved = resolve(
        Sources(flags=[GivenFlag("--model", "Qwen/Qwen3-0.6B"), GivenFlag("--gpus", 3)])
    )

    with pytest.raises(PreflightError) as raised:
        run_preflight(resolved.settings, resolved.values)

    assert raised.value.message == "Qwen/Qwen3-0.6B cannot be served with these settings."
    assert "--no-preflight" in (raised.value.hint or "")
    assert [problem.key for problem in raised.value.problems] == ["--gpus"]


def test_without_the_check_they_pass() -> None:
    port = free_port()
    resolved = resolve(
        Sources(
            flags=[
                GivenFlag("--model", "Qwen/Qwen3-0.6B"),
                GivenFlag("--gpus", 3),
                GivenFlag("--host", "127.0.0.1"),
                GivenFlag("--port", port),
            ]
        )
    )

    with run_preflight(resolved.settings).sock as sock:
        assert sock.getsockname()[1] == port


def test_a_gguf_file_on_the_hub_is_left_to_the_plugin_that_fetches_it() -> None:
    model = ModelConfig(name="Qwen/Qwen3-0.6B-GGUF:Q8_0")

    assert locate_model(model, lambda *_: None) is None
