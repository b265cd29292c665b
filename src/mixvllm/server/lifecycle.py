"""The phases of a server and the moves between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from enum import StrEnum

from mixvllm.error_codes import ErrorCode


class Phase(StrEnum):
    """What a server is doing; start-up phases are listed in their order."""

    STARTING = "starting"
    CHECKING = "checking"
    DOWNLOADING = "downloading"
    LOADING = "loading"
    COMPILING = "compiling"
    WARMING = "warming"
    READY = "ready"
    RESTARTING = "restarting"
    DRAINING = "draining"
    STOPPED = "stopped"


START_UP = (
    Phase.STARTING,
    Phase.CHECKING,
    Phase.DOWNLOADING,
    Phase.LOADING,
    Phase.COMPILING,
    Phase.WARMING,
)


def allowed_moves(phase: Phase) -> frozenset[Phase]:
    """Where a server may go from a phase.

    Start-up goes forward and may leave phases out (nothing to download, nothing to compile).
    A dead engine is replaced by way of `restarting`, which leads into a start-up again. From
    everywhere a server can stop.
    """
    match phase:
        case Phase.STOPPED:
            return frozenset()
        case Phase.DRAINING:
            return frozenset({Phase.STOPPED})
        case Phase.READY:
            return frozenset({Phase.RESTARTING, Phase.DRAINING, Phase.STOPPED})
        case Phase.RESTARTING:
            return frozenset({*START_UP[1:], Phase.DRAINING, Phase.STOPPED})
        case _:
            later = START_UP[START_UP.index(phase) + 1 :]
            ends = (Phase.READY, Phase.RESTARTING, Phase.DRAINING, Phase.STOPPED)
            return frozenset({*later, *ends})


@dataclass(frozen=True)
class Progress:
    """How far the current phase is: what it does, and the share that is done if it is known."""

    detail: str
    fraction: float | None = None


@dataclass
class Lifecycle:
    """Where one server is, since when, and who wants to know.

    Attributes:
        clock: Where the time comes from, in seconds.
        phase: The current phase.
        progress: How far the phase is.
        error: Why the server stopped, if it did not stop on request.
        code: The stable name of that, where it has one; until there is another engine, of the
            death of the one that is replaced.
        began: When the server began, by the clock; now if it is not given.
    """

    clock: Callable[[], float] = time.monotonic
    phase: Phase = Phase.STARTING
    progress: Progress | None = None
    error: str | None = None
    code: ErrorCode | None = None
    began: InitVar[float | None] = None
    _began: float = field(init=False)
    _down_since: float = field(init=False)
    _listeners: list[Callable[[Lifecycle], None]] = field(default_factory=list, init=False)

    def __post_init__(self, began: float | None) -> None:
        self._began = self._down_since = self.clock() if began is None else began

    @property
    def elapsed_s(self) -> float:
        """Seconds since the server began."""
        return self.clock() - self._began

    @property
    def down_s(self) -> float:
        """Seconds since the server began, or since the engine died that is being replaced."""
        return self.clock() - self._down_since

    def subscribe(self, listener: Callable[[Lifecycle], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[Lifecycle], None]) -> None:
        """No longer call `listener`."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def move(
        self, phase: Phase, progress: Progress | None = None, *, code: ErrorCode | None = None
    ) -> bool:
        """Go to a phase if that is allowed; say whether the server is in it now.

        A code is that of the failure that led there; a start-up keeps that of what it replaces.
        vLLM loads some models in several rounds (a draft model, for one), so a start-up line
        that belongs to a phase already passed is normal and changes nothing.
        """
        if phase != self.phase:
            if phase not in allowed_moves(self.phase):
                return False
            if self.phase is Phase.READY:
                self._down_since = self.clock()
            self.phase = phase
        elif progress == self.progress:
            return True
        self.progress = progress
        if phase not in START_UP or code is not None:
            self.code = code
        for listener in tuple(self._listeners):
            listener(self)
        return True

    def stop(self, error: str | None = None, code: ErrorCode | None = None) -> None:
        """Go to the last phase, with the reason when nobody asked for it."""
        if self.phase is not Phase.STOPPED:
            self.error = error
            self.move(Phase.STOPPED, code=code)
