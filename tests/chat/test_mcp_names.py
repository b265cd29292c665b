"""Every tool has one name, of characters that the OpenAI API allows."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mixvllm.chat.mcp_names import name_tools

ALLOWED = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def test_a_tool_keeps_its_own_name_where_nobody_else_has_it() -> None:
    assert name_tools([("a", "add"), ("b", "get time")]) == {
        ("a", "add"): "add",
        ("b", "get time"): "get_time",
    }


def test_where_two_have_one_name_each_gets_its_servers() -> None:
    names = name_tools([("a", "get"), ("b", "get"), ("b", "put")])
    assert list(names.values()) == ["a__get", "b__get", "put"]


def test_a_name_that_another_tool_has_already_is_not_given_again() -> None:
    names = name_tools([("a", "get"), ("b", "get"), ("c", "a__get")])
    assert names["c", "a__get"] == "a__get"
    assert names["a", "get"].startswith("a__get_")


@given(st.lists(st.tuples(st.text(max_size=70), st.text(max_size=70)), unique=True, max_size=8))
def test_all_names_are_allowed_and_none_is_given_twice(tools: list[tuple[str, str]]) -> None:
    names = name_tools(tools)
    assert list(names) == tools
    assert len(set(names.values())) == len(tools)
    assert all(ALLOWED.fullmatch(name) for name in names.values())
