"""Every error that is told has a section in docs/troubleshooting.md; no section is left over."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixvllm import errors
from mixvllm.error_codes import ERROR_CODES
from mixvllm.vllm_internals.late_errors import TEMPLATES

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def codes_in_the_source() -> Iterator[str]:
    """Each text in a `code=`, and each default of one."""
    for file in (ROOT / "src").rglob("*.py"):
        if file.name == "error_codes.py":
            continue
        text = file.read_text(encoding="utf-8")
        yield from (
            node.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant) and node.value in ERROR_CODES
        )


def test_each_code_has_a_section_and_each_section_a_code() -> None:
    assert set(SECTIONS) == set(ERROR_CODES)


def test_no_code_is_named_twice() -> None:
    assert len(set(ERROR_CODES)) == len(ERROR_CODES)
    assert len(re.findall(r"^### `", PAGE, re.MULTILINE)) == len(ERROR_CODES)


@pytest.mark.parametrize("code", ERROR_CODES)
def test_a_section_has_a_message_a_cause_and_a_cure(code: str) -> None:
    section = SECTIONS[code]

    assert re.search(r"^> \S", section, re.MULTILINE)
    assert section.index("**Cause.** ") < section.index("**Cure.** ")


def test_no_code_is_without_use() -> None:
    assert set(codes_in_the_source()) == set(ERROR_CODES)


def test_each_kind_of_error_has_a_code_but_those_whose_message_says_all() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.MixvllmError)
    ]

    assert {kind for kind in kinds if kind.code is None} == {
        errors.MixvllmError,
        errors.UsageError,
        errors.ChatError,
    }


def test_everything_that_vllm_is_known_to_end_with_has_a_code() -> None:
    assert {template.code for template in TEMPLATES} <= set(ERROR_CODES)
