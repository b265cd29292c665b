"""The task that drives a server through its phases: build, serve, watch, replace, stop."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mixvllm.errors import EngineDiedError, EngineStartError, MixvllmError
from mixvllm.server.engine import ASGIApp, Engine, EngineBuilder
from mixvllm.server.engine_watch import EngineWatch
from mixvllm.server.explanation import Explanation
from mixvllm.server.freed_memory import free_memory
from mixvllm.server.interruption import FAILED, RESTARTING, STOPPING, Interruption
from mixvllm.server.lifecycle import START_UP, Lifecycle, Phase, Progress
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.metrics.gpu_readings import GpuReadings
from mixvllm.server.metrics.server_metrics import ServerMetrics
from mixvllm.server.prediction import Prediction
from mixvllm.server.requests_in_flight import RequestsInFlight
from mixvllm.server.restarts import RestartBudget

LOG = logging.getLogger(__name__)
ENGINE_SHUTDOWN_S = 2.0
ENGINE_ERROR_KINDS = ("load", "died", "hung")
DESCRIBED_WITHIN_LOOKS = 10
LOOK_S = 0.03

FindCause = Callable[[BaseException | None], Explanation | None]


class Supervisor:
    """Builds the engine off the event loop, watches it, replaces it when it dies, stops it.

    Attributes:
        live: The settings that are in force.
        lifecycle: The phases of the server.
        engine: The engine while it serves.
        app: The engine's HTTP app while it serves.
        requests: The requests that the engine is answering.
        restarts: How often a dead engine was replaced.
        metrics: What is measured.
        engine_errors: How often engines failed, by kind.
        error: Why the server stopped, if nobody asked it to.
    """

    def __init__(
        self,
        builder: EngineBuilder,
        lifecycle: Lifecycle,
        *,
        live: LiveSettings,
        budget: RestartBudget,
        health_timeout_s: float = 0.0,
        find_cause: FindCause = lambda error: Explanation(str(error)) if error else None,
        log: Path | None = None,
        gpus: GpuReadings | None = None,
    ) -> None:
        """Take what is needed to build engines; nothing happens before `run`.

        Args:
            builder: What builds them.
            lifecycle: The phases of the server.
            live: The settings that are in force.
            budget: How often a dead engine is replaced.
            health_timeout_s: Seconds after which a silent engine is wedged; 0 never asks.
            find_cause: Words a failure of the engine from its exception and its output; blocks.
            log: The file to name in errors.
            gpus: What reads the GPUs for the metrics; None shows none.
        """
        self.live = live
        self.lifecycle = lifecycle
        self.engine: Engine | None = None
        self.app: ASGIApp | None = None
        self.requests = RequestsInFlight()
        self.restarts = 0
        self.engine_errors: Counter[str] = Counter(dict.fromkeys(ENGINE_ERROR_KINDS, 0))
        self.error: MixvllmError | None = None
        self.metrics = ServerMetrics(self, gpus)
        self._builder = builder
        self._budget = budget
        self._health_timeout_s = health_timeout_s
        self._find_cause = find_cause
        self._log = log
        self._interruption: Interruption | None = None
        self._was_ready = False
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        # One thread for the whole life of the process: engine processes may be bound to the
        # thread that started them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")

    @property
    def prediction(self) -> Prediction:
        """What the engine is expected to report."""
        return self._builder.prediction

    @property
    def interruption(self) -> Interruption | None:
        """Why requests in flight are being ended, if they are; an engine that died counts."""
        if self._interruption is None and self.engine is not None and self.engine.errored:
            return self.death
        return self._interruption

    @property
    def death(self) -> Interruption:
        """What clients are told if the engine dies now."""
        return RESTARTING if self._budget.is_left else FAILED

    @property
    def engine_pids(self) -> tuple[int, ...]:
        """The processes of the engine."""
        return self.engine.pids if self.engine else ()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes that answer in place of this one."""
        return self.engine.worker_pids if self.engine else ()

    def stop(self) -> None:
        """Ask for the end."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve until `stop` is called or the engine cannot be kept up; `error` says which."""
        try:
            while await self._serve_with_one_engine():
                self.restarts += 1
        except MixvllmError as error:
            self.error = error
        finally:
            await self._end()

    async def _serve_with_one_engine(self) -> bool:
        """Serve until the engine fails; False when the end was asked for.

        Raises:
            MixvllmError: the first engine cannot be built, or no restart is left.
        """
        try:
            if not await self._start():
                return False
            failure: MixvllmError | None = await self._watch()
        except MixvllmError as error:
            if not self._was_ready:
                raise
            failure = error
            if self.engine is not None:
                await self._remove_engine()
        if failure is None:
            return False
        pause_s = self._budget.take()
        if pause_s is None:
            raise self._last_of_many(failure)
        detail = f"{failure.message.removesuffix('.')}. "
        detail += f"Restart {self._budget.used} of {self._budget.most}"
        detail += f" in {pause_s:g} s." if pause_s else " now."
        code = failure.explained_by
        self.lifecycle.move(Phase.RESTARTING, Progress(detail), code=code)
        return not await self._stop_comes_within(pause_s)

    async def _start(self) -> bool:
        """Build the engine and swap its app in; False when `stop` came first."""
        self.lifecycle.move(Phase.CHECKING)
        loop = asyncio.get_running_loop()
        self._loop = loop
        building = loop.run_in_executor(
            self._thread, self._builder.build, self.report_step_from_thread
        )
        if not await self._ends_before_stop(building):
            # What it raises when its processes are taken away interests nobody.
            building.add_done_callback(lambda done: done.cancelled() or done.exception())
            return False
        try:
            self.engine = building.result()
            self.app = await self.engine.start(self)
        except MixvllmError:
            self.engine_errors["load"] += 1
            raise
        except Exception as error:
            self.engine_errors["load"] += 1
            LOG.error("The engine could not be built.", exc_info=error)
            cause = await asyncio.to_thread(self._find_cause, error)
            raise self._worded(EngineStartError, cause) from error
        self._was_ready = True
        self._interruption = None
        self.lifecycle.move(Phase.READY)
        return True

    def report_step_from_thread(self, phase: Phase, progress: Progress) -> None:
        """Take a step reported in another thread into the lifecycle, while it is news."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._report_step, phase, progress)

    def _report_step(self, phase: Phase, progress: Progress) -> None:
        if self.lifecycle.phase in START_UP:
            self.lifecycle.move(phase, progress)

    async def _watch(self) -> EngineStartError | None:
        """Wait for the end of the engine, and clean up after it; None when `stop` comes first."""
        assert self.engine is not None
        watch = EngineWatch(self.engine, timeout_s=self._health_timeout_s)
        failing = asyncio.ensure_future(watch.failure())
        if not await self._ends_before_stop(failing):
            failing.cancel()
            return None
        self._interruption = self.interruption or self.death
        self.app = None
        if self._budget.is_left:
            self.lifecycle.move(Phase.RESTARTING)
        self.engine.end_requests()
        seen = await self._described_death() or failing.result()
        self.engine_errors["hung" if watch.is_hung else "died"] += 1
        cause, _ = await asyncio.gather(
            asyncio.to_thread(self._find_cause, None), self._remove_engine(watch)
        )
        # In that thread: it holds on to the last thing that it built until its next task.
        await asyncio.get_running_loop().run_in_executor(self._thread, free_memory)
        return self._worded(EngineDiedError, cause or (Explanation(seen) if seen else None))

    async def _described_death(self) -> str | None:
        """How the engine's processes ended; one that was killed takes a moment to be gone."""
        assert self.engine is not None
        for _ in range(DESCRIBED_WITHIN_LOOKS):
            if said := self.engine.describe_death():
                return said
            await asyncio.sleep(LOOK_S)
        return None

    async def _remove_engine(self, watch: EngineWatch | None = None) -> None:
        """End the requests, then the processes, and forget the engine."""
        assert self.engine is not None
        await self.requests.end_all(self.engine.end_requests)
        await asyncio.to_thread(self.engine.shutdown, ENGINE_SHUTDOWN_S)
        if watch is not None:
            watch.kill_rest()
        self.engine = None

    def _last_of_many(self, failure: MixvllmError) -> MixvllmError:
        if not self._budget.most:
            return failure
        often = "once" if self._budget.most == 1 else f"{self._budget.most} times"
        before = f"The engine was restarted {often} within 10 minutes, and failed again. "
        message = before + failure.message
        return EngineDiedError(message, hint=failure.hint, log=self._log, code=failure.code)

    def _worded(self, kind: type[EngineStartError], cause: Explanation | None) -> EngineStartError:
        what = "The engine died" if kind is EngineDiedError else "vLLM could not load the model"
        if cause is None:
            return kind(f"{what}.", log=self._log)
        message = f"{what}: {cause.message}"
        return kind(message, hint=cause.hint, log=self._log, code=cause.code)

    async def _ends_before_stop(self, work: asyncio.Future[Any]) -> bool:
        """Wait for the work or for `stop`; whether the work is done."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        either: set[asyncio.Future[Any]] = {work, stopping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        return work.done()

    async def _stop_comes_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _end(self) -> None:
        """Let requests finish, then end the engine."""
        self.app = None
        if self.error is not None:
            self.lifecycle.stop(self.error.message, self.error.explained_by)
        else:
            self.lifecycle.move(Phase.DRAINING)
        if self.engine is not None:
            if self.error is None:
                await self.requests.wait_until_none(self.live.current.server.shutdown_grace_s)
            self._interruption = STOPPING
            await self._remove_engine()
        self._thread.shutdown(wait=False)
        self.lifecycle.stop()
