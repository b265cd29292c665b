"""Counts the HTTP requests of one process; a request costs it a microsecond."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from itertools import accumulate

from mixvllm.server.metrics.family import Family, Sample, gauge

# From an answer out of memory to the longest stream.
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


@dataclass
class Durations:
    """How long the requests of one route took.

    Attributes:
        buckets: How many took at most each bound and more than the one before; longer ones last.
        sum_s: All of them together, in seconds.
    """

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def samples(self, route: str) -> Iterator[Sample]:
        """As a histogram of Prometheus, whose buckets hold the smaller ones too."""
        up_to = list(accumulate(self.buckets))
        for bound, count in zip((*map(repr, BOUNDS_S), "+Inf"), up_to, strict=True):
            yield Sample(count, {"route": route, "le": bound}, "_bucket")
        yield Sample(self.sum_s, {"route": route}, "_sum")
        yield Sample(up_to[-1], {"route": route}, "_count")


class Traffic:
    """What came in and how it was answered; used on one event loop.

    Attributes:
        requests: How many requests were answered, by route and status.
        durations: How long they took, by route.
        waiting: The requests that wait for their turn.
        elsewhere: By API worker, how many requests it has and how many of them wait.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.durations: dict[str, Durations] = {}
        self.waiting: Sized = ()
        self.elsewhere: dict[int, tuple[int, int]] = {}

    def count(self, route: str, status: int, took_s: float) -> None:
        """Count a request that is over."""
        self.requests[route, status] += 1
        durations = self.durations.get(route)
        if durations is None:
            durations = self.durations[route] = Durations()
        durations.buckets[bisect_left(BOUNDS_S, took_s)] += 1
        durations.sum_s += took_s

    def take(self) -> list[tuple[str, dict[int, int], list[int], float]]:
        """What was counted since the last time, as plain data; here it is forgotten."""
        counted = [
            (
                route,
                {status: n for (each, status), n in self.requests.items() if each == route},
                durations.buckets,
                durations.sum_s,
            )
            for route, durations in self.durations.items()
        ]
        self.requests, self.durations = Counter(), {}
        return counted

    def add(self, counted: Iterable[tuple[str, Mapping[str, int], list[int], float]]) -> None:
        """Add what another process has taken; JSON has made text of the statuses."""
        for route, statuses, buckets, sum_s in counted:
            for status, count in statuses.items():
                self.requests[route, int(status)] += count
            durations = self.durations.setdefault(route, Durations())
            durations.buckets = [a + b for a, b in zip(durations.buckets, buckets, strict=True)]
            durations.sum_s += sum_s

    def families(self, in_flight: int) -> Iterator[Family]:
        """The metrics, with the number of requests that this process has."""
        waiting = len(self.waiting)
        if self.elsewhere:
            in_flight, waiting = (sum(each) for each in zip(*self.elsewhere.values(), strict=True))
        yield Family(
            "mixvllm_http_requests_total",
            "counter",
            "Requests that are over, by route and status; 499: the client went away.",
            tuple(
                Sample(count, {"route": route, "status": str(status)})
                for (route, status), count in self.requests.items()
            ),
        )
        yield Family(
            "mixvllm_http_request_duration_seconds",
            "histogram",
            "Seconds from the head of a request to the end of its answer.",
            tuple(s for route, each in self.durations.items() for s in each.samples(route)),
        )
        yield gauge(
            "mixvllm_http_requests_in_flight",
            "Requests that the engine is answering.",
            in_flight - waiting,
        )
        yield gauge("mixvllm_http_requests_queued", "Requests that wait for their turn.", waiting)
