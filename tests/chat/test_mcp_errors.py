"""What others say of a failure becomes one line that can be shown."""

from __future__ import annotations

import pytest

from mixvllm.chat.mcp_errors import ServerFailure, cause_of, one_line, shown_url
from mixvllm.settings.mcp_servers import McpServer


def test_nested_groups_are_unwrapped_to_their_cause() -> None:
    inner = ExceptionGroup("inner", [KeyError("a"), ServerFailure("said")])
    assert str(cause_of(ExceptionGroup("outer", [ExceptionGroup("b", [inner])]))) == "said"
    assert isinstance(cause_of(ExceptionGroup("outer", [KeyError("a")])), KeyError)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31mred\x1b[0m and\n\tmore", "red and more"),
        ("\x1b]0;title\x07x\x00y", "x y"),
        ("word " * 100, f"{'word ' * 39}..."),
    ],
)
def test_foreign_text_is_one_short_printable_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_secrets_of_a_server_are_not_in_its_line() -> None:
    server = McpServer(
        url="http://x",
        headers={"Authorization": "Bearer open-sesame"},
        env={"API_KEY": "abcdef", "MODE": "fast"},
    )
    line = one_line("Bearer open-sesame, open-sesame, abcdef, fast", server)
    assert line == "***, ***, ***, fast"


def test_a_url_is_shown_without_what_may_be_secret() -> None:
    assert shown_url("https://user:pass@x.y:8/mcp?key=1#z") == "https://x.y:8/mcp"
