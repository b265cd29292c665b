"""Clients of a server that is being hurt: streams, requests that are sent again, a port watch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.server.processes import ServerProcess

LONG_STORY = {"model": "demo", "prompt": "Once", "max_tokens": 4000, "ignore_eos": True}
CAPITAL = {"model": "demo", "prompt": "The capital of France is", "max_tokens": 5, "temperature": 0}
LOOK_EVERY_S = 0.02


@dataclass
class Streams:
    """Streams that go on for long, each in a thread of its own.

    Attributes:
        begun: How many have had their first event.
        ends: All that each client got, when it was over.
        last_end_at: When the last one ended (monotonic seconds).
    """

    begun: int = 0
    ends: list[str] = field(default_factory=list)
    last_end_at: float = 0.0

    def take(self, server: ServerProcess) -> None:
        """Be one client."""
        got: list[str] = []
        try:
            with httpx.stream(
                "POST",
                f"{server.url}/v1/completions",
                json={**LONG_STORY, "stream": True},
                timeout=180,
            ) as answer:
                for line in answer.iter_lines():
                    self.begun += not got
                    got.append(line)
        except httpx.HTTPError as error:
            got.append(f"cut: {error!r}")
        self.ends.append("\n".join(got))
        self.last_end_at = time.monotonic()


@contextmanager
def streams(server: ServerProcess, count: int) -> Iterator[Streams]:
    """That many streams, all of them begun; they have ended when the block has."""
    taken = Streams()
    with ThreadPoolExecutor(max(1, count)) as pool:
        for _ in range(count):
            pool.submit(taken.take, server)
        until(lambda: taken.begun == count, within_s=120)
        yield taken


@contextmanager
def retrying_clients(server: ServerProcess, count: int) -> Iterator[list[Answered]]:
    """Clients that ask without a pause, and again where they are refused, until the block ends."""
    answered: list[Answered] = []
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            while not over.is_set():
                answered.append(_ask_until_answered(client))
                # The machine has other work to do as well.
                over.wait(0.2)

    with ThreadPoolExecutor(count) as pool:
        asking = [pool.submit(ask) for _ in range(count)]
        try:
            yield answered
        finally:
            over.set()
    for each in asking:
        each.result()


@dataclass(frozen=True)
class Answered:
    """A request that was answered in the end.

    Attributes:
        text: The answer.
        refusals: The statuses before it.
        seconds: How long it all took.
    """

    text: str
    refusals: tuple[int, ...]
    seconds: float


def _ask_until_answered(client: httpx.Client) -> Answered:
    began, refusals = time.monotonic(), list[int]()
    while True:
        answer = client.post("/v1/completions", json=CAPITAL)
        if answer.status_code == 200:
            text = answer.json()["choices"][0]["text"]
            return Answered(text, tuple(refusals), time.monotonic() - began)
        refusals.append(answer.status_code)
        assert answer.status_code == 503, answer.text
        time.sleep(min(float(answer.headers["retry-after"]), 1.0))


@contextmanager
def port_watched(server: ServerProcess) -> Iterator[list[str]]:
    """Ask `/live` all the time; what went wrong."""
    over, wrong = threading.Event(), list[str]()

    def ask() -> None:
        while not over.wait(0.1):
            try:
                status = httpx.get(f"{server.url}/live", timeout=10).status_code
            except httpx.HTTPError as error:
                wrong.append(repr(error))
            else:
                wrong.extend([str(status)] if status != 200 else [])

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


def capital_of_france(server: ServerProcess) -> str:
    """What the model says it is."""
    answer: dict[str, Any] = httpx.post(
        f"{server.url}/v1/completions", json=CAPITAL, timeout=120
    ).json()
    text: str = answer["choices"][0]["text"]
    return text


def health(server: ServerProcess) -> int:
    """The status of `/health`."""
    return httpx.get(f"{server.url}/health", timeout=30).status_code


def until(holds: Any, *, within_s: float) -> float:
    """Look until something holds; the seconds that it took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, f"not within {within_s} s"
        time.sleep(LOOK_EVERY_S)
    return time.monotonic() - began
