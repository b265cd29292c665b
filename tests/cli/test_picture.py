"""`--svg FILE`, on views of `mixvllm estimate-kv`."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.command import Command

GPT_OSS = "openai/gpt-oss-20b"
NAMESPACE = "http://www.w3.org/2000/svg"
ADDRESS = re.compile(r"https?://[^\s\"<)]+")


def words(file: Path) -> str:
    """What stands in a picture, row by row, its blanks as blanks."""
    texts = ElementTree.parse(file).iter(f"{{{NAMESPACE}}}text")
    return " ".join("".join(text.itertext()) for text in texts).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((GPT_OSS, "--gpu", "H100"), "GPU KV cache size"),
        ((GPT_OSS, "--gpu", "H100", "--explain"), "formula, in bytes"),
        ((GPT_OSS, "--compare", "H100,L40S"), "The same for all"),
        (("--list",), "meta-llama/Llama-3.1-8B-Instruct"),
    ],
)
def test_every_view_is_drawn_and_shown(
    mixvllm: Command, arguments: tuple[str, ...], shown: str
) -> None:
    ran = mixvllm("estimate-kv", "--svg", "a.svg", *arguments)

    assert ran.code == 0
    assert shown in ran.out
    assert shown in words(Path("a.svg"))


def test_a_picture_asks_nothing_of_the_network(mixvllm: Command) -> None:
    mixvllm("estimate-kv", GPT_OSS, "--svg", "a.svg")

    text = Path("a.svg").read_text(encoding="utf-8")
    # The namespace, and a comment of the library that draws.
    assert set(ADDRESS.findall(text)) == {NAMESPACE, "https://www.textualize.io"}
    assert "url(" not in re.sub(r"url\(#", "", text)


def test_json_and_picture_are_both_written(mixvllm: Command) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, "--svg", "a.svg", "--json")

    assert ran.json["model"]["name"] == GPT_OSS
    assert "one request of" in words(Path("a.svg"))


@pytest.mark.parametrize(
    ("file", "said"),
    [("no/a.svg", "No such file"), (".", "Is a directory"), ("", "Is a directory")],
)
def test_a_file_that_cannot_be_written_is_told_and_is_the_only_answer(
    mixvllm: Command, file: str, said: str
) -> None:
    ran = mixvllm("estimate-kv", GPT_OSS, "--svg", file)
    under_json = mixvllm("estimate-kv", GPT_OSS, "--svg", file, "--json")

    assert (ran.code, ran.out) == (1, "")
    assert f"cannot be written: {said}" in ran.err
    assert said in under_json.json["error"]["message"]


def test_the_width_is_that_of_the_terminal(
    mixvllm: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = []
    for columns in ("80", "140"):
        monkeypatch.setenv("COLUMNS", columns)
        mixvllm("estimate-kv", GPT_OSS, "--svg", "a.svg")
        box = ElementTree.parse("a.svg").getroot().attrib["viewBox"]
        widths.append(float(box.split()[2]))

    assert widths[0] < widths[1]
