"""`mixvllm explain`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mixvllm.error_codes import ERROR_CODES
from mixvllm.lessons.library import lessons
from mixvllm.lessons.troubles import troubles
from mixvllm.settings.fields import all_fields
from tests.cli.command import Command
from tests.cli.terminal import terminal


def test_alone_it_lists_every_topic_by_group(mixvllm: Command) -> None:
    ran = mixvllm("explain")

    assert (ran.code, ran.err) == (0, "")
    for lesson in lessons():
        assert f"\n{lesson.group}" in f"\n{ran.out}"
        assert f"  {lesson.topic} " in ran.out


@pytest.mark.parametrize("topic", [lesson.topic for lesson in lessons()])
def test_in_a_pipe_a_lesson_is_its_markdown(mixvllm: Command, topic: str) -> None:
    ran = mixvllm("explain", topic)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("# ")
    assert "\n## Sources\n" in ran.out
    assert "<!--" not in ran.out


@pytest.mark.parametrize("words", [["KV", "cache"], ["KV-Cache"], ["kv"], ["gqa"]])
def test_a_topic_is_found_by_other_spellings(mixvllm: Command, words: list[str]) -> None:
    assert mixvllm("explain", *words).out.startswith("# The KV cache\n")


@pytest.mark.parametrize(
    "word", ["--gpu-memory", "--gpu-memory-utilization", "inference.gpu_memory", "gpu_memory"]
)
def test_a_flag_or_key_shows_the_facts_and_then_its_lesson(mixvllm: Command, word: str) -> None:
    ran = mixvllm("explain", word)

    assert ran.code == 0
    facts, _, lesson = ran.out.partition("\n# GPU memory\n")
    assert "# `inference.gpu_memory_utilization`" in facts
    assert "- value: number, between 0.1 and 1.0\n" in facts
    assert "- default: 0.9\n" in facts
    assert "- short name: `inference.gpu_memory`\n" in facts
    assert "- flag: `--gpu-memory`, `--gpu-memory-utilization`\n" in facts
    assert "- environment: `MIXVLLM_INFERENCE__GPU_MEMORY_UTILIZATION`\n" in facts
    assert "## Sources" in lesson


def test_a_topic_is_not_taken_for_the_field_of_the_same_name(mixvllm: Command) -> None:
    assert mixvllm("explain", "quantization").out.startswith("# Quantization\n")
    assert mixvllm("explain", "--quantization").out.startswith("# `inference.quantization`\n")


def test_a_switch_is_known_by_its_negative(mixvllm: Command) -> None:
    assert "`--no-enforce-eager`" in mixvllm("explain", "--no-enforce-eager").out


def test_a_value_behind_a_flag_is_left_alone(mixvllm: Command) -> None:
    for words in (["--gpu-memory", "0.9"], ["--gpu-memory=0.9"]):
        assert mixvllm("explain", *words).out.startswith("# `inference.gpu_memory_utilization`\n")


def test_an_argument_of_vllm_shows_the_lesson_about_it_or_where_it_is_explained(
    mixvllm: Command,
) -> None:
    assert mixvllm("explain", "--enable-prefix-caching").out.startswith("# Prefix caching\n")

    ran = mixvllm("explain", "--tool-call-parser")
    assert (ran.code, ran.out) == (2, "")
    assert "--tool-call-parser is an argument of vLLM itself" in ran.err
    assert "`mixvllm serve MODEL -- --tool-call-parser ...` passes it on" in ran.err


def test_a_section_lists_its_settings(mixvllm: Command) -> None:
    ran = mixvllm("explain", "server")

    assert "`server.port`: The TCP port" in ran.out
    assert "inference." not in ran.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            ["kv-cach"],
            "Did you mean `mixvllm explain kv-cache`? `mixvllm explain` lists the topics.",
        ),
        (["--gpu-memroy"], "Did you mean `mixvllm explain --gpu-memory`?"),
        (["kv_cache"], "Did you mean `mixvllm explain kv-cache`?"),
        (["qqqqq"], "`mixvllm explain` lists the topics."),
    ],
)
def test_what_nobody_explains_ends_with_2_and_the_nearest(
    mixvllm: Command, words: list[str], hint: str
) -> None:
    ran = mixvllm("explain", *words)

    assert (ran.code, ran.out) == (2, "")
    assert f"Nothing explains '{words[0]}'." in ran.err
    assert hint in ran.err


def test_json_has_the_lesson_the_setting_or_the_list(mixvllm: Command) -> None:
    topics = mixvllm("explain", "--json").json["topics"]
    assert [topic["topic"] for topic in topics] == [lesson.topic for lesson in lessons()]

    lesson = mixvllm("explain", "kv-cache", "--json").json
    assert lesson["setting"] is None
    assert lesson["lesson"]["markdown"].startswith("# The KV cache\n")
    assert lesson["lesson"]["sources"][0].startswith("J. Ainslie")
    assert "https://arxiv.org/abs/2305.13245" in lesson["lesson"]["sources"][0]

    setting = mixvllm("explain", "--json", "server.port").json
    assert setting["lesson"]["topic"] == "start"
    assert setting["setting"]["default"] == 8000
    assert setting["setting"]["environment"] == "MIXVLLM_SERVER__PORT"

    section = mixvllm("explain", "inference", "--json").json["settings"]
    assert {row["key"].split(".")[0] for row in section} == {"inference"}

    failed = mixvllm("explain", "kv-cach", "--json")
    assert failed.code == 2
    assert failed.json["error"]["message"] == "Nothing explains 'kv-cach'."


@pytest.mark.parametrize("word", ["port-in-use", "[port-in-use]"])
def test_an_error_code_shows_its_section_of_the_manual(mixvllm: Command, word: str) -> None:
    ran = mixvllm("explain", word)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("# `port-in-use`\n\n> ")
    assert "**Cause.**" in ran.out
    assert "**Cure.**" in ran.out


def test_the_codes_of_errors_are_listed_by_group(mixvllm: Command) -> None:
    ran = mixvllm("explain", "errors")

    assert ran.code == 0
    for code in ERROR_CODES:
        assert f"  {code}\n" in "\n".join(line.rstrip() for line in ran.out.splitlines())
    listed = mixvllm("explain", "errors", "--json").json["errors"]
    assert [row["code"] for row in listed] == list(troubles())


def test_an_error_code_as_json_has_cause_and_cure(mixvllm: Command) -> None:
    shown = mixvllm("explain", "port-in-use", "--json").json

    assert (shown["lesson"], shown["setting"]) == (None, None)
    assert shown["error"]["code"] == "port-in-use"
    assert "**Cause.**" in shown["error"]["markdown"]


def test_every_setting_is_explained_as_json(mixvllm: Command) -> None:
    for field in all_fields():
        shown = mixvllm("explain", field.key, "--json").json
        assert shown["setting"]["flags"] == list(field.flags)
        assert shown["lesson"] is not None
        json.dumps(shown["setting"]["default"])


@pytest.mark.parametrize("columns", [80, 140])
def test_in_a_terminal_a_lesson_is_drawn(columns: int, tmp_path: Path) -> None:
    known = os.environ | {"NO_COLOR": "1"}
    with terminal(["explain", "kv-cache"], known, columns=columns) as screen:
        assert screen.wait() == 0
    lines = screen.written.decode().replace("\r", "").splitlines()

    assert "The KV cache" in lines[0]
    assert max(map(len, (line for line in lines if "\x1b" not in line))) <= min(columns, 100)
    assert "|---|" not in screen.written.decode()
    assert "mixvllm explain" in lines[-1] + lines[-2]


def test_the_shell_completes_topics() -> None:
    asked = {"_MIXVLLM_COMPLETE": "complete_bash", "COMP_WORDS": "mixvllm explain kv"}
    done = subprocess.run(
        [sys.executable, "-m", "mixvllm"],
        env=os.environ | asked | {"COMP_CWORD": "2"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["kv-cache", "kv-cache-format", "kv-cache-too-small"]
