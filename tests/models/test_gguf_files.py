"""GGUF files by their directory and format, as vLLM's plugin names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixvllm.errors import ModelError
from mixvllm.models.find import find_model
from mixvllm.models.find_documents import find_documents
from mixvllm.models.gguf_files import all_parts, gguf_in_directory
from mixvllm.server.model_files import check_local_model, local_path
from tests.models.files import gguf
from tests.models.sources.test_gguf_model import METADATA, TENSORS

NAMES = (
    "m-Q8_0.gguf",
    "m-Q4_K_M.gguf",
    "m-it-Q4_K_M.gguf",
    "m-UD-Q4_K_XL.gguf",
    "m-BF16-00001-of-00002.gguf",
    "m-BF16-00002-of-00002.gguf",
)


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "files"
    directory.mkdir()
    for name in NAMES:
        (directory / name).write_bytes(gguf(METADATA, TENSORS))
    return directory


@pytest.mark.parametrize(
    ("form", "file"),
    [
        ("Q8_0", "m-Q8_0.gguf"),
        ("Q4_K_M", "m-Q4_K_M.gguf"),  # the fewest dashes
        ("UD-Q4_K_XL", "m-UD-Q4_K_XL.gguf"),
        ("BF16", "m-BF16-00001-of-00002.gguf"),
    ],
)
def test_a_format_in_a_directory_is_the_file_that_the_plugin_takes(
    directory: Path, form: str, file: str
) -> None:
    for name in (f"./files:{form}", f"files:{form}", f"{directory}:{form}"):
        found = find_model(name, may_ask_the_hub=False)
        assert found.origin.endswith(f"files/{file}")
        assert (found.source, found.description.name) == ("GGUF file", name)
        assert local_path(name).name == file
        check_local_model(name)


def test_a_format_that_is_not_there_is_told_with_those_that_are(directory: Path) -> None:
    with pytest.raises(ModelError, match=r"no GGUF file in the format Q2_K") as raised:
        find_model("./files:Q2_K")
    assert "files/m-Q8_0.gguf" in (raised.value.hint or "")
    (directory / "none").mkdir()
    with pytest.raises(ModelError, match=r"no GGUF file in the format Q8_0") as raised:
        find_model("./files/none:Q8_0")
    assert raised.value.hint == "Name a directory that has one."


@pytest.mark.parametrize("name", ["org/model:Q8_0", "files", ":Q8_0", "files:", "nowhere:Q8_0"])
def test_other_names_are_no_files_of_a_directory(directory: Path, name: str) -> None:
    assert gguf_in_directory(name) is None


def test_a_path_that_has_a_colon_is_that_path(directory: Path) -> None:
    (directory.parent / "files:Q8_0").mkdir()
    assert gguf_in_directory("files:Q8_0") is None


def test_it_has_no_config_for_who_needs_the_file_itself(directory: Path) -> None:
    with pytest.raises(ModelError, match="is a GGUF file, which has no config"):
        find_documents("./files:Q8_0")


def test_a_number_that_no_part_has_is_no_part(directory: Path) -> None:
    odd = directory / "m-00001-of-00000.gguf"
    assert all_parts(odd) == (odd,)
