"""The settings of a running server: what may change while it runs is read at each use."""

from __future__ import annotations

from mixvllm.settings.schema import ServeConfig


class LiveSettings:
    """Holds the settings that are in force.

    Attributes:
        current: The settings; replaced as a whole, never changed.
        at_start: What the server was started with.
    """

    def __init__(self, settings: ServeConfig) -> None:
        self.current = self.at_start = settings
