"""What a server says of itself to Prometheus, beside what its engine says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import mixvllm
from mixvllm.server.lifecycle import Lifecycle, Phase
from mixvllm.server.metrics.family import Family, Sample, as_text, counts, gauge
from mixvllm.server.metrics.gpu_readings import GpuReadings, gpu_families
from mixvllm.server.metrics.traffic import Traffic
from mixvllm.vllm_internals.installed import installed_engine

if TYPE_CHECKING:
    from mixvllm.server.supervisor import Supervisor


class ServerMetrics:
    """The metrics of a server, in the process that owns it; see `Metrics`.

    Attributes:
        traffic: Its HTTP requests, those of its API workers too.
    """

    def __init__(self, server: Supervisor, gpus: GpuReadings | None = None) -> None:
        """Measure from now on.

        Args:
            server: The state of the server.
            gpus: What reads the GPUs; None shows none.
        """
        self.traffic = Traffic()
        self._server = server
        self._gpus = gpus
        self._load_s: float | None = None
        self._engine = installed_engine()
        server.lifecycle.subscribe(self._on_change)

    async def ours(self) -> str:
        """The metrics as text."""
        return as_text(self.families())

    def families(self) -> Iterator[Family]:
        """Our own metrics."""
        server = self._server
        yield self._build()
        yield self._phase()
        yield gauge(
            "mixvllm_engine_load_seconds",
            "Seconds from the start, or from the death of an engine, until requests were answered.",
            self._load_s,
        )
        yield Family(
            "mixvllm_engine_restarts_total",
            "counter",
            "How often a dead engine was replaced.",
            (Sample(server.restarts, {}),),
        )
        yield counts(
            "mixvllm_engine_errors_total",
            "Failures of an engine: it could not be loaded, died, or hung.",
            "kind",
            server.engine_errors,
        )
        yield self._kv_cache()
        yield from self.traffic.families(server.requests.count)
        yield from gpu_families(self._gpus.latest() if self._gpus else ())

    def _build(self) -> Family:
        vllm = self._engine.version if self._engine else ""
        labels = {"version": mixvllm.__version__, "vllm": vllm}
        return gauge("mixvllm_build_info", "The versions that are running; always 1.", 1, **labels)

    def _phase(self) -> Family:
        current = self._server.lifecycle.phase
        return Family(
            "mixvllm_server_phase",
            "gauge",
            "What the server is doing; 1 for the current phase.",
            tuple(Sample(phase is current, {"phase": str(phase)}) for phase in Phase),
        )

    def _kv_cache(self) -> Family:
        engine = self._server.engine
        tokens = {
            "predicted": self._server.prediction.tokens,
            "actual": engine.facts.kv_cache_tokens if engine else None,
        }
        return Family(
            "mixvllm_kv_cache_tokens",
            "gauge",
            "The size of the KV cache in tokens, as estimated and as the engine reports it.",
            tuple(
                Sample(size, {"kind": kind}) for kind, size in tokens.items() if size is not None
            ),
        )

    def _on_change(self, lifecycle: Lifecycle) -> None:
        if lifecycle.phase is Phase.READY:
            self._load_s = lifecycle.down_s
