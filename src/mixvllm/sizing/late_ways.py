"""Ways out of what vLLM ended with, computed with the figures that it measured."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import replace

from mixvllm.errors import MixvllmError
from mixvllm.gpus.device import Gpu as Device
from mixvllm.memory.answer import Estimate, Suggestion
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import Gpu
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizes import GIB
from mixvllm.sizing.finding import gpus_wanted
from mixvllm.sizing.fit_rules import MORE_GPUS, WAYS_OUT, ways_out
from mixvllm.sizing.free_rules import in_words, largest_holders
from mixvllm.sizing.present import present_gpus
from mixvllm.sizing.serving import served_gpu, served_model, served_request
from mixvllm.vllm_internals.installed import InstalledEngine
from mixvllm.vllm_internals.late_errors import LateError

# The largest share that leaves room for CUDA's own memory, and a step down from any.
MOST_SHARE = 0.97
LEAST_SHARE = 0.1
STEP = 0.05


def ways_after(error: LateError, settings: ServeConfig, engine: InstalledEngine) -> tuple[str, ...]:
    """What helps, the best first, at most three; blocks for a fraction of a second."""
    ways = _Ways(error, settings, engine)
    computed = {
        "kv-cache-too-small": ways.larger_cache,
        "no-kv-cache": ways.any_cache,
        "gpu-memory-in-use": ways.free_memory,
        "out-of-gpu-memory": ways.less_memory,
    }.get(error.code)
    found = list(computed()) if computed is not None else []
    return (*found, *error.advice)[:WAYS_OUT]


class _Ways:
    """What computes them: an error's figures, and the estimate of the server that met it."""

    def __init__(self, error: LateError, settings: ServeConfig, engine: InstalledEngine) -> None:
        self.numbers = error.numbers
        self.settings = settings
        self.engine = engine
        self.share = settings.inference.gpu_memory_utilization

    def larger_cache(self) -> Iterator[str]:
        """One longest request needs more than there is: both are measured."""
        needed, available = float(self.numbers["needed"]), float(self.numbers["available"])
        if longest := self.numbers["longest"]:
            yield f"`--max-model-len {longest}`, the longest that fits by vLLM's own figures"
        if self.engine.build == "cpu":
            # The figure is rounded to hundredths.
            yield f"`--cpu-kv-cache-gib {needed + 0.01:.2f}` or more"
        elif gpu := self._gpu():
            share = self.share + math.ceil((needed - available) * GIB / gpu.total_bytes * 100) / 100
            if share <= MOST_SHARE:
                yield f"`--gpu-memory-utilization {share:.2f}`"
        answer = self._estimate(pool_bytes=int(available * GIB))
        ways = answer.suggestions if answer else ()
        yield from (_shown(way) for way in ways if way.change.startswith("--kv-cache-dtype"))
        yield from self._more_gpus()

    def any_cache(self) -> Iterator[str]:
        """Nothing was left for the cache."""
        if self.engine.build == "gpu" and self.share + STEP <= MOST_SHARE:
            yield f"`--gpu-memory-utilization {self.share + STEP:.2f}`"
        answer = self._estimate()
        yield from (_shown(way) for way in (ways_out(answer) if answer else ()))

    def free_memory(self) -> Iterator[str]:
        """Another process holds the memory: who, and the share that is left."""
        devices = [each.device for each in present_gpus(os.environ).gpus]
        taken = devices[: gpus_wanted(self.settings.inference)]
        holders = largest_holders([each for each in taken if isinstance(each, Device)], ())
        if holders:
            yield f"end what holds it now: {', '.join(map(in_words, holders))}"
        free, total = float(self.numbers["free"]), float(self.numbers["total"])
        share = math.floor(free / total * 100) / 100
        if share >= LEAST_SHARE:
            answer = self._estimate(share=share)
            if answer is None or (answer.capacity and answer.capacity.fits):
                yield f"`--gpu-memory-utilization {share:g}`, which is what was free"
        yield "CUDA_VISIBLE_DEVICES names other GPUs"

    def less_memory(self) -> Iterator[str]:
        """More was needed than was there, beyond what vLLM had counted."""
        if requests := self.numbers.get("requests"):
            yield f"`--max-num-seqs {max(1, int(requests) // 2)}`"
        if self.share - STEP >= LEAST_SHARE:
            yield f"`--gpu-memory-utilization {self.share - STEP:.2f}`, which leaves more unplanned"
        answer = self._estimate()
        yield from (_shown(way) for way in (ways_out(answer) if answer else ()))

    def _more_gpus(self) -> Iterator[str]:
        answer = self._estimate() if self.engine.build == "gpu" else None
        if answer:
            more = [way for way in ways_out(answer) if way.change.startswith(MORE_GPUS)]
            yield from (_shown(way) for way in more)

    def _gpu(self) -> Gpu | None:
        return served_gpu(self.settings, self.engine)

    def _estimate(
        self, *, share: float | None = None, pool_bytes: int | None = None
    ) -> Estimate | None:
        """The estimate of this server with a change; None where there can be none."""
        try:
            found = served_model(self.settings)
            request = served_request(self.settings, self.engine, found.description, gpu=self._gpu())
            if share is not None:
                request = replace(request, gpu_memory_utilization=share)
            if pool_bytes is not None:
                request = replace(request, kv_cache_memory_bytes=pool_bytes)
            return estimate(found.description, found.weights, found.source, request)
        except MixvllmError:
            return None


def _shown(way: Suggestion) -> str:
    return f"`{way.change}` (about {way.tokens:,} tokens of KV cache)"
