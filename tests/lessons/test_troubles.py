"""Each error code has its section, and `explain` finds it."""

import pytest

from mixvllm.error_codes import ERROR_CODES
from mixvllm.lessons.library import lessons_by_name
from mixvllm.lessons.markdown import Heading, Quote
from mixvllm.lessons.markdown import blocks_of as read
from mixvllm.lessons.troubles import troubles
from tests.lessons.test_markdown import read_by_the_other, read_by_us


def test_the_codes_are_those_of_the_program() -> None:
    assert set(troubles()) == set(ERROR_CODES)


def test_no_code_is_a_topic_too() -> None:
    assert set(troubles()) & set(lessons_by_name()) == set()
    assert "errors" not in {*troubles(), *lessons_by_name()}


@pytest.mark.parametrize("code", ERROR_CODES)
def test_a_section_stands_alone(code: str) -> None:
    trouble = troubles()[code]
    blocks = read(trouble.markdown)

    assert trouble.group
    assert trouble.example
    assert isinstance(blocks[0], Heading)
    assert isinstance(blocks[1], Quote)
    assert "**Cause.**" in trouble.markdown
    assert "**Cure.**" in trouble.markdown
    assert len([block for block in blocks if isinstance(block, Heading)]) == 1
    assert list(read_by_us(blocks)) == list(read_by_the_other(trouble.markdown))
