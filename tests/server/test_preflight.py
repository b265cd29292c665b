from pathlib import Path

import pytest

from mixvllm.errors import ModelError, SettingsError
from mixvllm.server.model_files import check_local_model, is_local
from mixvllm.server.preflight import run_preflight
from tests.server.small_engine import served


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


def test_a_directory_with_config_json_passes(here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "config.json").write_text("{}")

    check_local_model("./mine")


def test_several_workers_are_refused_for_now() -> None:
    settings = served(server={"workers": 2})

    with pytest.raises(SettingsError) as raised:
        run_preflight(settings)

    assert "server.workers" in raised.value.message
