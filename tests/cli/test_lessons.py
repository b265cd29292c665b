"""The numbers of the documentation are what mixvllm computes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mixvllm.cli.lesson_numbers import answer
from mixvllm.cli.lessons import main
from mixvllm.lessons.computed import questions

ROOT = Path(__file__).parents[2]
PAGE = "<!-- computed: setting server.port : default -->8000<!-- end -->\n"


def test_the_numbers_in_the_repository_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--check"], ROOT)

    said = capsys.readouterr()
    assert (said.out, said.err, code) == ("", "", 0)


def test_a_number_that_was_edited_is_shown_and_written_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    page = tmp_path / "docs" / "learn" / "page.md"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE.replace("8000", "80"), encoding="utf-8")

    assert main(["--check"], tmp_path) == 1
    checked = capsys.readouterr()
    assert f"+{PAGE}" in checked.out
    assert "docs/learn/page.md is out of date" in checked.err
    assert main([], tmp_path) == 0
    assert page.read_text(encoding="utf-8") == PAGE
    assert main(["--check"], tmp_path) == 0


@pytest.mark.parametrize("arguments", [["--chekc"], ["--check", "x"]])
def test_wrong_usage_is_said(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments, ROOT) == 2
    assert capsys.readouterr().err == "usage: python -m mixvllm.cli.lessons [--check]\n"


def test_it_writes_only_in_a_repository(tmp_path: Path) -> None:
    assert main([], tmp_path) == 2


def test_marks_in_a_line_are_comments_for_every_reader_of_markdown() -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        # At the beginning of a line a comment ends the paragraph.
        assert not re.search(r"^[> ]*<!-- computed: [^\n]*<!-- end -->", text, re.MULTILINE), page
        for asked in questions(text):
            if "\n" not in asked and not asked.startswith("console"):
                assert "--" not in asked
                assert "|" not in asked
    assert len(questions((ROOT / "docs/learn/kv-cache.md").read_text(encoding="utf-8"))) > 5


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("estimate meta-llama/Llama-3.1-8B-Instruct : kv_cache.bytes_per_token as size", "128 KiB"),
        (
            "estimate meta-llama/Llama-3.1-8B-Instruct max_model_len=300 : settings.max_model_len",
            "300",
        ),
        ("estimate openai/gpt-oss-20b gpu=H100 : fits as yes", "yes"),
        ("estimate openai/gpt-oss-20b : model.layers.0.kind as text", "sliding_window"),
        ("product 2 x 40 x 40 x 128 x 2 as size", "800 KiB"),
        ("product 8 over product 2", "4"),
        ("product 1 over product 3", "0.333"),
        ("product 16 over product 3.35 x 1000 as milliseconds", "4.8 ms"),
        ("setting server.port : environment", "`MIXVLLM_SERVER__PORT`"),
        ("setting server.keep_alive_s : default", "75"),
        ("sample logits=1,1", "50.0% | 50.0%"),
        ("sample logits=1,0 top_k=1 written=0,0", "100.0% | 0.0%"),
    ],
)
def test_each_kind_of_question_has_its_answer(asked: str, answered: str) -> None:
    assert answer(asked) == answered


def test_a_console_block_is_what_the_command_prints_at_a_fixed_width() -> None:
    block = answer("console estimate-kv openai/gpt-oss-20b --gpu H100").splitlines()

    assert block[:2] == ["```console", "$ mixvllm estimate-kv openai/gpt-oss-20b --gpu H100"]
    assert block[2].startswith("openai/gpt-oss-20b fits")
    assert max(map(len, block)) <= 80


@pytest.mark.parametrize("asked", ["weather today", "estimate no/such-model-anywhere : fits"])
def test_what_nobody_can_tell_is_an_error(asked: str) -> None:
    with pytest.raises(ValueError, match=r"nobody computes|ended with 1"):
        answer(asked)
