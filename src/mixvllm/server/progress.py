"""What happens on the way to a ready server, as typed events; from vLLM's own output."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from mixvllm.server.engine import StepReporter
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.reload import ReloadRefused, SettingsReloaded
from mixvllm.vllm_internals.failure_cause import Cause, FailureCause, cause_of_exception
from mixvllm.vllm_internals.output_lines import parse, read_sign


@dataclass(frozen=True)
class PhaseProgress:
    """The server is in a phase, that far.

    Attributes:
        phase: The phase.
        progress: How far it is, or None at its beginning.
        elapsed_s: Seconds since the server began.
    """

    phase: Phase
    progress: Progress | None
    elapsed_s: float


@dataclass(frozen=True)
class ServerReady:
    """The server answers requests.

    Attributes:
        url: Where it answers on this machine.
        model: The name that requests use.
        elapsed_s: Seconds from the command, or from the engine's death, to here.
        kv_cache_tokens: The size of the KV cache in tokens.
        predicted_kv_cache_tokens: What the estimate said before.
        kv_cache_max_concurrency: How many requests of the longest context fit at once.
        max_model_len: The longest context in tokens.
        restarts: How many engines died before this one.
    """

    url: str
    model: str
    elapsed_s: float
    kv_cache_tokens: int | None = None
    predicted_kv_cache_tokens: int | None = None
    kv_cache_max_concurrency: float | None = None
    max_model_len: int | None = None
    restarts: int = 0


# How long the last lines of dead processes may take through the pipe.
LOG_LAG_S = 2.0

ServerEvent = PhaseProgress | ServerReady | SettingsReloaded | ReloadRefused
Reporter = Callable[[ServerEvent], None]


class OutputReader:
    """Reads vLLM's output: signs of progress go to `on_step`, the cause of a failure stays here."""

    def __init__(self, on_step: StepReporter) -> None:
        """Begin with nothing read.

        Args:
            on_step: Told of every sign of progress, in the reading thread.
        """
        self._on_step = on_step
        self._failure = FailureCause()
        self._changed = threading.Condition()

    def read(self, text: str) -> None:
        """Take one line."""
        line = parse(text)
        with self._changed:
            self._failure.read(line)
            self._changed.notify_all()
        if sign := read_sign(line.message):
            self._on_step(Phase(sign.stage), Progress(sign.detail, sign.fraction))

    def forget(self) -> None:
        """Begin anew: what was logged before the engine was ready did not kill it."""
        with self._changed:
            self._failure = FailureCause()

    def find_cause(self, error: BaseException | None) -> Cause | None:
        """Why the engine failed: what it raised, or if that says too little what it logged."""
        told = cause_of_exception(error) if error else None
        if told:
            return told
        with self._changed:
            # The exception may be faster than the pipe.
            self._changed.wait_for(lambda: self._failure.cause is not None, LOG_LAG_S)
            return self._failure.cause
