"""How many requests the engine is answering, and waiting or seeing to it that there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Streams that end within it end politely; on a busy machine that takes more than a moment.
LAST_WORDS_S = 3.0
AGAIN_AFTER_S = 0.1


class RequestsInFlight:
    """Counts requests; used on one event loop."""

    def __init__(self, on_busy: Callable[[bool], None] = lambda busy: None) -> None:
        """Begin with none.

        Args:
            on_busy: Told when the first one begins and when the last one ends.
        """
        self.count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._on_busy = on_busy

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a request for as long as the block runs."""
        self.count += 1
        if self.count == 1:
            self._none.clear()
            self._on_busy(True)
        try:
            yield
        finally:
            self.count -= 1
            if not self.count:
                self._none.set()
                self._on_busy(False)

    async def wait_until_none(self, timeout_s: float) -> bool:
        """Wait until no request is in flight; False when the time is over before."""
        try:
            await asyncio.wait_for(self._none.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def end_all(self, end: Callable[[], None]) -> None:
        """Have `end` end the requests in flight until there are none, for `LAST_WORDS_S` at most.

        Once is not enough: a request whose prompt is being read reaches the engine after it.
        """
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                end()
                while not await self.wait_until_none(AGAIN_AFTER_S):
                    end()
        except TimeoutError:
            return
