"""What is wrong with a file: every problem at once, at its line and column, with the way out."""

import os
from pathlib import Path

import pytest

from mixvllm.errors import Problem
from mixvllm.settings.check import check_file

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{previous}'] * 10)}]\n"
    for previous, name in zip("abcdef", "bcdefg", strict=True)
)


def problems_of(directory: Path, text: str | bytes) -> list[Problem]:
    file = directory / "settings.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(check_file(file).problems)


@pytest.mark.parametrize(
    ("text", "line", "column", "key", "message", "suggestion"),
    [
        ("server:\n  port: 80\n", 2, 9, "server.port", "between 1024 and 65535, not 80", None),
        ("server:\n  prt: 1\n", 2, 3, "server.prt", "is no setting of `server`", "port"),
        ("sever:\n  port: 1\n", 1, 1, "sever", "is no section", "server"),
        ("port: 9000\n", 1, 1, "port", "belongs under `server:`", None),
        (
            "server: {temperature: 1}\n",
            1,
            10,
            "server.temperature",
            "belongs under `generation_defaults:`",
            None,
        ),
        ("inference: {seed: 1}\n", 1, 13, "inference.seed", "belongs under `vllm:`", None),
        ("server:\n  port: '8000'\n", 2, 9, "server.port", "must be a whole number", None),
        ("server: {port: true}\n", 1, 16, "server.port", "not true", None),
        ("model: {name: 123}\n", 1, 15, "model.name", "must be text", 'write it in quotes: "123"'),
        (
            "model: {trust_remote_code: 'yes'}\n",
            1,
            28,
            "model.trust_remote_code",
            "must be true or false",
            None,
        ),
        ("model: {name: ''}\n", 1, 15, "model.name", "must not be empty", None),
        ("inference: {dtype: fp16}\n", 1, 20, "inference.dtype", "one of auto, float32", None),
        (
            "inference: {quantization: awqq}\n",
            1,
            27,
            "inference.quantization",
            "must be one of",
            "awq",
        ),
        (
            "generation: {temperature: .nan}\n",
            1,
            27,
            "generation.temperature",
            "must be a number",
            None,
        ),
        ("generation:\n  top_p: 0\n", 2, 10, "generation.top_p", "more than 0 and at most 1", None),
        ("generation: {top_k: -2}\n", 1, 21, "generation.top_k", "at least -1", None),
        (
            *("model: demo\n", 1, 1, "model", "must be a mapping of settings, not text"),
            "write model: {name: demo}",
        ),
        ("- a\n", 1, 1, None, "must hold sections", None),
        (
            "server:\n  port: 8000\n  port: 9000\n",
            3,
            3,
            "server.port",
            "given twice: first on line 2",
            "keep one of them",
        ),
        (
            "inference:\n  tensor_parallel_size: 4\n  gpus: 2\n",
            3,
            9,
            "inference.gpus",
            "contradicts inference.tensor_parallel_size",
            "keep one of them",
        ),
        (
            "generation: {top_k: 1}\ngeneration_defaults: {top_k: 2}\n",
            2,
            30,
            "generation_defaults.top_k",
            "contradicts generation.top_k",
            "keep one of them",
        ),
        ("vllm: {sed: 1}\n", 1, 13, "vllm.sed", "is no argument of vLLM", "seed"),
        (
            "vllm: {max_model_len: 1}\n",
            1,
            23,
            "vllm.max_model_len",
            "write it as `inference.max_model_len`",
            None,
        ),
        ("vllm: {hf_token: x}\n", 1, 18, "vllm.hf_token", "set HF_TOKEN", None),
        ("vllm: {ssl_keyfile: x}\n", 1, 21, "vllm.ssl_keyfile", "would have no effect", None),
        (
            "vllm: {enable_auto_tool_choice: 1}\n",
            1,
            33,
            "vllm.enable_auto_tool_choice",
            "must be true or false",
            None,
        ),
        ("vllm: {seed: true}\n", 1, 14, "vllm.seed", "must be a value, not true", None),
        ("profiles: [dev]\n", 1, 11, "profiles", "must map names to sections", None),
        (
            "profiles:\n  dev:\n    server:\n      port: 80\n",
            4,
            13,
            "profiles.dev.server.port",
            "between 1024 and 65535",
            None,
        ),
        ("a: [1\n", 2, 1, None, "YAML syntax error", "close what is open"),
        ("a:\n\tb: 1\n", 2, 1, None, "YAML syntax error", "indent with spaces, not tabs"),
        ("a: 1\n---\nb: 1\n", 3, 1, None, "more than one YAML document", None),
        ("model: {name: !!python/name:os.system x}\n", 1, 15, "model.name", "cannot be read", None),
    ],
)
def test_a_problem_is_placed_and_worded(
    tmp_path: Path,
    text: str,
    line: int,
    column: int,
    key: str | None,
    message: str,
    suggestion: str | None,
) -> None:
    (problem,) = problems_of(tmp_path, text)

    assert (problem.line, problem.column, problem.key) == (line, column, key)
    assert message in problem.message
    assert problem.suggestion == suggestion
    lines = text.splitlines()
    assert problem.source_line == (lines[line - 1] if line <= len(lines) else None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"# nothing\n", "holds only comments"),
        (b"\x00\x01", "is a binary file"),
        (b"model:\n  name: \xff\n", "is not UTF-8"),
        (BOMB.encode(), "when its aliases are followed"),
        (b"[" * 5000, "never closed"),
        (b"- " * 5000, "nested too deeply"),
        (b"a: &a\n- *a\n", "nested too deeply"),
        (b"a: " + b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_what_is_no_config_file_is_said_in_one_problem(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (problem,) = problems_of(tmp_path, content)

    assert message in problem.message


def test_a_missing_file_a_directory_and_an_unreadable_file_are_named(tmp_path: Path) -> None:
    locked = tmp_path / "locked.yaml"
    locked.write_text("model: {name: x}\n")
    locked.chmod(0)

    assert "no such file" in check_file(tmp_path / "none.yaml").problems[0].message
    assert "is a directory" in check_file(tmp_path).problems[0].message
    if os.geteuid() != 0:
        assert "permission denied" in check_file(locked).problems[0].message


def test_every_problem_is_found_at_once(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        "model: {nam: x}\nserver: {port: 1, prt: 2}\nprofiles: {dev: {generation: {top_p: 3}}}\n",
    )

    assert [problem.key for problem in problems] == [
        "model.nam",
        "server.port",
        "server.prt",
        "profiles.dev.generation.top_p",
    ]


def test_anchors_may_live_under_a_key_that_starts_with_x(tmp_path: Path) -> None:
    text = "x-base: &base {port: 8005, host: 127.0.0.1}\nserver:\n  <<: *base\n  port: 8006\n"

    assert problems_of(tmp_path, text) == []


def test_a_name_and_its_alias_with_the_same_value_agree(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "inference: {gpus: 2, tensor_parallel_size: 2}\n") == []


def test_a_file_without_a_model_has_a_note_and_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("server: {port: 8000}\n")

    report = check_file(file)

    assert report.is_ok(strict=True)
    assert "names no model" in report.notes[0]


def test_token_counts_take_vllms_short_forms(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "inference: {max_model_len: 32K}\n") == []
    (problem,) = problems_of(tmp_path, "inference: {max_model_len: 0}\n")
    assert "at least 1" in problem.message
