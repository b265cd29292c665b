"""How often a dead engine is replaced before the server gives up."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_S = 600.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


@dataclass
class RestartBudget:
    """Counts restarts in a window; the first is at once, each further one waits twice as long.

    Attributes:
        most: The most restarts within the window.
        window_s: Seconds after which a restart no longer counts.
        clock: Where the time comes from, in seconds.
    """

    most: int
    window_s: float = WINDOW_S
    clock: Callable[[], float] = time.monotonic
    _taken: deque[float] = field(default_factory=deque, init=False)

    @property
    def used(self) -> int:
        """How many restarts count now."""
        oldest = self.clock() - self.window_s
        while self._taken and self._taken[0] < oldest:
            self._taken.popleft()
        return len(self._taken)

    @property
    def is_left(self) -> bool:
        """Whether one more is allowed."""
        return self.used < self.most

    def take(self) -> float | None:
        """Count one restart: the seconds to wait before it, or None when none is left."""
        used = self.used
        if used >= self.most:
            return None
        self._taken.append(self.clock())
        return 0.0 if not used else min(FIRST_PAUSE_S * 2.0 ** (used - 1), LONGEST_PAUSE_S)
