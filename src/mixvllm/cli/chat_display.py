"""What draws a chat, whichever way the terminal or its absence asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Protocol

from mixvllm.chat.events import Event
from mixvllm.cli.output import Output

TICK_S = 0.04


class Display(Protocol):
    """Draws the events of one answer after another."""

    def begin(self, waiting: str = "") -> None:
        """Something is waited for: an answer, if nothing else is said."""

    def show(self, event: Event) -> None:
        """Take in an event."""

    def tick(self) -> None:
        """Time has passed."""

    def pause(self) -> None:
        """Leave the terminal to others for a while."""

    def resume(self) -> None:
        """Go on."""

    def end(self) -> None:
        """The answer is over, by itself or not."""


def choose_display(output: Output, *, plain: bool = False, hide_thinking: bool = False) -> Display:
    """Markdown on a terminal that redraws; else the text as it comes, and under `--json` none."""
    is_live = output.out.is_terminal and not output.out.is_dumb_terminal
    if is_live and not plain and not output.as_json:
        # Markdown and code in colour take a tenth of a second to import.
        from mixvllm.cli.chat_live import LiveDisplay

        return LiveDisplay(output.out, hide_thinking=hide_thinking)
    from mixvllm.cli.chat_plain import PlainDisplay

    return PlainDisplay(
        output.out, output.err, hide_thinking=hide_thinking, hide_answer=output.as_json
    )


@asynccontextmanager
async def drawing(display: Display, waiting: str = "") -> AsyncIterator[None]:
    """Keep a display moving while something is under way; it is ended with the block."""

    async def keep_ticking() -> None:
        while True:
            display.tick()
            await asyncio.sleep(TICK_S)

    display.begin(waiting)
    ticking = asyncio.create_task(keep_ticking())
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        display.end()


async def follow(
    events: AsyncGenerator[Event, None],
    display: Display,
    keep: Callable[[Event], None] = lambda event: None,
) -> None:
    """Draw an answer to its end; `keep` is told of each event too."""
    async with drawing(display), aclosing(events):
        async for event in events:
            keep(event)
            display.show(event)
