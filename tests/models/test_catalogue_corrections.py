"""The catalogue has published numbers, not what the holders of copies made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mixvllm.models.build_catalogue import index_rows
from mixvllm.models.catalogue_corrections import CORRECTED, LEFT_OUT, RENAMED
from mixvllm.models.sources import catalogue, catalogue_file

CONFIGS = Path(__file__).parents[3] / "shared" / "data" / "model_configs"
# The longest context of each model, and a source beside the copy that the entry is made of.
PUBLISHED = json.loads(Path(__file__).with_name("published_lengths.json").read_text("utf-8"))
GPT2 = 1024


def longest(name: str) -> int | None:
    entry = catalogue.look_up(name)
    assert entry is not None
    return entry.description.context_length


def test_every_model_has_the_context_that_a_source_beside_the_copy_says() -> None:
    lengths = {name: length for name, (length, _) in PUBLISHED["lengths"].items()}
    assert {name: longest(name) for name in catalogue_file.names()} == lengths


def test_every_length_says_where_it_is_from() -> None:
    assert all(source for _, source in PUBLISHED["lengths"].values())


def test_no_context_is_shorter_than_that_of_gpt2() -> None:
    # Models that vLLM serves have at least this; compilers write the 512 that they compile for.
    assert [name for name in catalogue_file.names() if (longest(name) or 0) < GPT2] == []


def test_what_is_left_out_or_misnamed_is_not_in_the_catalogue() -> None:
    assert not {*LEFT_OUT, *RENAMED}.intersection(catalogue_file.names())
    assert set(RENAMED.values()) <= set(catalogue_file.names())
    assert set(CORRECTED) <= set(catalogue_file.names())


def test_a_correction_has_a_source_and_changes_what_the_copy_says() -> None:
    if not CONFIGS.is_dir():
        pytest.skip(f"the published configs are not at {CONFIGS}")
    files = {row["model"]: CONFIGS / row["file"] for row in index_rows(CONFIGS)}
    for name, correction in CORRECTED.items():
        copy = json.loads(files[name].read_text("utf-8"))
        assert correction.reason
        assert correction.source
        assert all(copy.get(key) != value for key, value in correction.values.items())
