"""Ctrl-C and SIGTERM in a chat: the first stops the answer, the next leaves."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

# Two presses of Ctrl-C within this time leave.
TWICE_WITHIN_S = 2.0
# What shells call an end by a signal.
SIGNALLED = 128


class Interruption:
    """Runs one answer at a time, which Ctrl-C stops.

    Attributes:
        interrupt_reading: Ends what is being read, and tells whether anything was.
        signal: What ended the chat from outside, or None.
    """

    def __init__(self) -> None:
        self.interrupt_reading: Callable[[], bool] = lambda: False
        self.signal: signal.Signals | None = None
        self._answer: asyncio.Task[None] | None = None
        self._pressed_at = float("-inf")

    async def run(self, answer: Coroutine[Any, Any, None]) -> bool:
        """Wait for an answer; False if it was stopped."""
        task = self._answer = asyncio.create_task(answer)
        try:
            await asyncio.wait([task])
        finally:
            self._answer = None
            task.cancel()
        if task.cancelled():
            return False
        task.result()
        return True

    def stop(self) -> None:
        """Stop the answer."""
        if self._answer is not None:
            self._answer.cancel()

    def is_second(self) -> bool:
        """Take note of a press; whether it came soon after another."""
        now = time.monotonic()
        is_second = now - self._pressed_at < TWICE_WITHIN_S
        self._pressed_at = now
        return is_second

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Take signals while the block runs, in the task that it runs in."""
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        assert current is not None

        def leave(number: signal.Signals) -> None:
            self.signal = number
            current.cancel()

        def press() -> None:
            if self.interrupt_reading():
                return
            # Where nothing is answered yet there is nothing to stop but all of it.
            if self.is_second() or self._answer is None:
                leave(signal.SIGINT)
            else:
                self.stop()

        loop.add_signal_handler(signal.SIGINT, press)
        loop.add_signal_handler(signal.SIGTERM, leave, signal.SIGTERM)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
            loop.remove_signal_handler(signal.SIGTERM)


def run_chat(chat: Callable[[Interruption], Coroutine[Any, Any, int]]) -> int:
    """Run a chat to its end, and tell its exit code: 128 and the signal where one ended it."""

    async def whole() -> int:
        interruption = Interruption()
        with interruption.handled():
            try:
                return await chat(interruption)
            except asyncio.CancelledError:
                if interruption.signal is None:
                    raise
                return SIGNALLED + interruption.signal

    return asyncio.run(whole())
