"""The store of what starts measured: whole, readable, and never in the way."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from mixvllm.errors import DirectoryError
from mixvllm.models.find import find_model
from mixvllm.sizing.measurements import ModelIdentity, directory, forget, identity_of, keep, kept
from tests.memory.test_measured import MODEL, measurement

IDENTITY = ModelIdentity(MODEL, None, "LlamaForCausalLM", 16_060_522_496)


def test_what_is_kept_is_found_again() -> None:
    path = keep(IDENTITY, measurement())

    assert path.parent == directory()
    assert json.loads(path.read_text())["format"] == 1
    assert kept(IDENTITY).measurements == (measurement(),)


def test_the_same_start_again_replaces_the_older_figures() -> None:
    keep(IDENTITY, measurement())
    newer = replace(measurement(), measured_at="2026-11-23", taken_bytes=1)
    keep(IDENTITY, newer)

    assert kept(IDENTITY).measurements == (newer,)


def test_the_newest_comes_first() -> None:
    older = replace(measurement(), measured_at="2026-01-01")
    other = replace(older.conditions, max_num_seqs=7)
    newer = replace(measurement(), conditions=other)
    keep(IDENTITY, newer)
    keep(IDENTITY, older)

    assert kept(IDENTITY).measurements == (newer, older)


@pytest.mark.parametrize(
    "other",
    [
        replace(IDENTITY, name="someone/fine-tuned"),
        replace(IDENTITY, revision="v2"),
        replace(IDENTITY, weights_bytes=1),
        replace(IDENTITY, architecture="MistralForCausalLM"),
    ],
)
def test_another_model_has_no_part_in_it(other: ModelIdentity) -> None:
    keep(IDENTITY, measurement())

    assert kept(other).measurements == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        "{",
        '{"format": 2}',
        '{"format": 1, "model": {}, "measurement": {}}',
        "[" * 20_000,
        "x" * 100_000,
    ],
)
def test_a_damaged_file_is_named_and_the_rest_is_read(content: str) -> None:
    good = keep(IDENTITY, measurement())
    bad = good.with_name("a-bad.json")
    bad.write_text(content)

    found = kept(IDENTITY)

    assert found.measurements == (measurement(),)
    assert found.damaged == (bad,)


@pytest.mark.parametrize(
    ("field", "value"),
    [("taken_bytes", "1"), ("taken_bytes", True), ("measured_at", None), ("surprise", 1)],
)
def test_a_file_with_a_value_of_another_type_is_damaged(field: str, value: object) -> None:
    path = keep(IDENTITY, measurement())
    document = json.loads(path.read_text())
    document["measurement"][field] = value
    path.write_text(json.dumps(document))

    assert kept(IDENTITY).damaged == (path,)


def test_nothing_kept_is_no_error() -> None:
    assert kept(IDENTITY) == type(kept(IDENTITY))((), ())
    assert forget(IDENTITY) == 0


def test_a_model_is_forgotten_with_all_its_revisions_and_no_other() -> None:
    keep(IDENTITY, measurement())
    keep(replace(IDENTITY, revision="v2"), measurement())
    other = replace(IDENTITY, name="other/model")
    keep(other, measurement())

    assert forget(IDENTITY) == 2
    assert kept(IDENTITY).measurements == ()
    assert len(kept(other).measurements) == 1


def test_a_directory_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))

    with pytest.raises(DirectoryError, match="Cannot write") as caught:
        keep(IDENTITY, measurement())

    assert "XDG_DATA_HOME" in (caught.value.hint or "")


def test_writers_at_the_same_time_leave_one_whole_file() -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=keep_many, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    found = kept(IDENTITY)
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert len(found.measurements) == 1
    assert found.damaged == ()
    assert not list(directory().glob(".*"))


def keep_many(number: int) -> None:
    for turn in range(20):
        keep(IDENTITY, replace(measurement(), taken_bytes=1000 * number + turn + 1))


def test_a_local_model_is_known_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
        "vocab_size": 1000,
        "max_position_embeddings": 128,
    }
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)

    by_path = identity_of(find_model("./m"), None)

    assert by_path == identity_of(find_model(str(tmp_path / "m")), None)
    assert by_path.name == str(tmp_path / "m")
