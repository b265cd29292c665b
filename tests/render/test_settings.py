import pytest

from mixvllm.errors import Problem
from mixvllm.render.settings import render_problem


def shown(line: str, column: int, key: str) -> str:
    problem = Problem("is wrong", key, "a.yaml", 3, column, source_line=line)
    return render_problem(problem).plain.splitlines()[1].partition("| ")[2]


@pytest.mark.parametrize(
    ("line", "column", "key", "expected"),
    [
        ("  api_key: [sk-1]", 12, "server.api_key", "  api_key: ******"),
        ("  api_key: sk-1", 3, "server.api_key", "  api_key: ****"),
        ("    [sk-1]", 5, "server.api_key", "    ******"),
        ("  hf_token: 'h, f'  # mine", 13, "vllm.hf_token", "  hf_token: ******  # mine"),
        ("server: {api_key: sk-1, prot: 1}", 25, "server.prot", "server: {api_key: ****, prot: 1}"),
        ('{"api_key": "sk }", "prot": 1}', 21, "prot", '{"api_key": ******, "prot": 1}'),
    ],
)
def test_the_source_line_of_a_problem_shows_no_secret(
    line: str, column: int, key: str, expected: str
) -> None:
    assert shown(line, column, key) == expected


@pytest.mark.parametrize("line", ["  max_tokens: x", "  tokenizer: [a]"])
def test_a_source_line_without_a_secret_is_shown_as_it_stands(line: str) -> None:
    assert shown(line, 3, "generation.max_tokens") == line


@pytest.mark.parametrize(
    ("advice", "lines"),
    [
        ("max_tokens", ["--port: is wrong (did you mean max_tokens?)"]),
        (
            "indent with spaces; a tab is none",
            ["--port: is wrong (indent with spaces; a tab is none)"],
        ),
        (
            "the longest that fits is 9 tokens; ways out: --gpus 2 (18 tokens), or --gpus 4",
            [
                "--port: is wrong",
                "  the longest that fits is 9 tokens",
                "  ways out: --gpus 2 (18 tokens), or --gpus 4",
            ],
        ),
    ],
)
def test_short_advice_stands_in_brackets_and_long_advice_on_lines_of_its_own(
    advice: str, lines: list[str]
) -> None:
    problem = Problem("is wrong", "--port", source="command line", suggestion=advice)
    assert render_problem(problem).plain.partition(": ")[2].splitlines() == lines
