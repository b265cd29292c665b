"""Keeps what a start measured, so that the next estimate of the same settings can use it."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.errors import MixvllmError
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.startup_log import StartupReader

if TYPE_CHECKING:
    from mixvllm.memory.gpu_table import Gpu

LOG = logging.getLogger(__name__)


class StartRecord:
    """Reads what vLLM prints while it starts; what cannot be kept never hinders serving."""

    def __init__(
        self, settings: ServeConfig, engine: InstalledEngine, *, gpu: Gpu | None = None
    ) -> None:
        """Begin with nothing read.

        Args:
            settings: The settings of the server.
            engine: The vLLM that serves.
            gpu: The GPU that it uses; by default the one that is found here.
        """
        self._settings = settings
        self._engine = engine
        self._gpu = gpu
        self._reader = StartupReader()

    def read(self, text: str) -> None:
        """Take one line of the output."""
        self._reader.read(text)

    def keep_in_background(self) -> None:
        """Keep what was read until now, in a thread of its own."""
        threading.Thread(target=self.keep, name="start record", daemon=True).start()

    def keep(self) -> Path | None:
        """Keep what was read until now; where it is, or None where nothing was measured."""
        from mixvllm.sizing.learning import learn
        from mixvllm.sizing.serving import served_gpu, served_model, served_request

        log = self._reader.log
        try:
            found = served_model(self._settings)
            gpu = self._gpu or served_gpu(self._settings, self._engine)
            request = served_request(self._settings, self._engine, found.description, gpu=gpu)
            revision, today = self._settings.model.revision, datetime.now(UTC).date()
            return learn(found, revision, request, log, day=today)
        except MixvllmError as error:
            LOG.debug("Nothing of this start is kept: %s", error.message)
        except Exception as error:  # a mistake of ours in a number must not end a server
            LOG.debug("Nothing of this start is kept.", exc_info=error)
        return None
