"""What a tool gave becomes text, and no more of it than fits."""

from __future__ import annotations

from typing import Any

import pytest

from mixvllm.chat.mcp_results import result_of
from mixvllm.chat.tools import ToolResult


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], "(The tool gave no output.)"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        (
            [{"type": "image", "data": "AAAA", "mimeType": "image/png"}],
            "[image, image/png, 3 bytes: not shown to the model]",
        ),
        (
            [{"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}],
            "[resource file:///a]\ninside",
        ),
        (
            [{"type": "resource", "resource": {"uri": "x:/", "blob": "A" * 4000}}],
            "[resource x:/, 3 kB: not shown to the model]",
        ),
        ([{"type": "resource_link", "uri": "x:/"}], "[resource x:/]"),
        ([{"type": "hologram"}], "[a part of the kind hologram: not shown to the model]"),
    ],
)
def test_each_kind_of_part_is_text_or_told_of(content: list[Any], text: str) -> None:
    assert result_of({"content": content}) == ToolResult(text)


def test_structured_content_is_taken_where_there_is_no_text() -> None:
    content = [{"type": "text", "text": "21 °C"}]
    structured = {"degrees": 21, "unit": "°C"}
    assert result_of({"content": content, "structuredContent": structured}).text == "21 °C"
    assert result_of({"structuredContent": structured}).text == '{"degrees": 21, "unit": "°C"}'


def test_a_long_result_is_cut_with_a_note_and_an_error_stays_one() -> None:
    answer = {"content": [{"type": "text", "text": "x" * 1500}], "isError": True}
    text = "x" * 1000 + "\n[cut: 500 of 1,500 characters are left out here]"
    assert result_of(answer, 1000) == ToolResult(text, is_error=True, omitted_characters=500)
    assert result_of(answer, 1500).omitted_characters == 0
