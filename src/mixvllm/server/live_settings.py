"""The settings of a running server: what may change while it runs is read at each use."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixvllm.settings.schema import ServeConfig


class LiveSettings:
    """Holds the settings that are in force.

    Attributes:
        at_start: What the server was started with.
    """

    def __init__(self, settings: ServeConfig) -> None:
        self.at_start = settings
        self._current = settings
        self._listeners: list[Callable[[], None]] = []

    @property
    def current(self) -> ServeConfig:
        """The settings; replaced as a whole, never changed."""
        return self._current

    @current.setter
    def current(self, settings: ServeConfig) -> None:
        self._current = settings
        for listener in tuple(self._listeners):
            listener()

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        """No longer call `listener`."""
        if listener in self._listeners:
            self._listeners.remove(listener)
