"""The server `calculator` answers with a value, or says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mixvllm.chat.shipped.calculator import server

pytestmark = pytest.mark.anyio


async def test_an_expression_has_its_value(ask: Callable[..., Any]) -> None:
    assert await ask(server).text("calculate", expression="0.1 + 0.2") == (False, "0.3")


async def test_what_cannot_be_computed_is_an_error_in_words(ask: Callable[..., Any]) -> None:
    assert await ask(server).error("calculate", expression="1 / 0") == "division by zero"
