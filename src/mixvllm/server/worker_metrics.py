"""Metrics with several API workers: they count, the process that owns them adds up and answers."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from mixvllm.server.metrics.traffic import Traffic
from mixvllm.server.worker_news import Channel

LOG = logging.getLogger(__name__)
PUSH_INTERVAL_S = 1.0
ANSWERED_WITHIN_S = 5.0


class WorkerMetrics:
    """The metrics as an API worker has them; see `Metrics`.

    Attributes:
        traffic: The requests that the owner has not been told of yet.
    """

    def __init__(self, channel: Channel, in_flight: Callable[[], int]) -> None:
        """Count from now on.

        Args:
            channel: The line to the owner.
            in_flight: How many requests this worker has.
        """
        self.traffic = Traffic()
        self._channel = channel
        self._in_flight = in_flight
        self._numbers: Iterator[int] = itertools.count()
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._told: dict[str, Any] = {}

    async def push_on(self) -> None:
        """Tell the owner of the traffic, again and again."""
        while True:
            await asyncio.sleep(PUSH_INTERVAL_S)
            self._push()

    async def ours(self) -> str:
        """What the owner answers; nothing where it does not."""
        self._push()
        number = next(self._numbers)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._channel.send(ask_metrics=number)
        try:
            return await asyncio.wait_for(answer, ANSWERED_WITHIN_S)
        except TimeoutError:
            LOG.warning(
                "The metrics of the server could not be had within %g s.", ANSWERED_WITHIN_S
            )
            return ""
        finally:
            del self._asked[number]

    def take_answer(self, number: int, text: str) -> None:
        """Give the owner's answer to who asked."""
        if (answer := self._asked.get(number)) is not None and not answer.done():
            answer.set_result(text)

    def _push(self) -> None:
        counted = self.traffic.take()
        now = {"in_flight": self._in_flight(), "waiting": len(self.traffic.waiting)}
        if counted or now != self._told:
            self._told = now
            self._channel.send(traffic={**now, "counted": counted})
