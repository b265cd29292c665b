"""The task that drives a server through its phases: build, serve, watch, stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mixvllm.errors import EngineDiedError, EngineStartError, MixvllmError
from mixvllm.server.engine import ASGIApp, Engine, EngineBuilder
from mixvllm.server.lifecycle import Lifecycle, Phase, Progress
from mixvllm.server.prediction import Prediction
from mixvllm.server.requests_in_flight import RequestsInFlight

LOG = logging.getLogger(__name__)
WATCH_INTERVAL_S = 0.1
ENGINE_SHUTDOWN_S = 2.0

FindCause = Callable[[BaseException | None], str | None]


class Supervisor:
    """Builds the engine off the event loop, watches it, stops it.

    Attributes:
        lifecycle: The phases of the server.
        engine: The engine while it serves.
        app: The engine's HTTP app while it serves.
        requests: The requests that the engine is answering.
        restarts: How often a dead engine was replaced.
        error: Why the server stopped, if nobody asked it to.
    """

    def __init__(
        self,
        builder: EngineBuilder,
        lifecycle: Lifecycle,
        *,
        grace_s: float,
        find_cause: FindCause = lambda error: str(error) if error else None,
        log: Path | None = None,
    ) -> None:
        """Take what is needed to build engines; nothing happens before `run`.

        Args:
            builder: What builds them.
            lifecycle: The phases of the server.
            grace_s: Seconds that requests in flight may go on after `stop`.
            find_cause: Words a failure of the engine from its exception and its output; blocks.
            log: The file to name in errors.
        """
        self.lifecycle = lifecycle
        self.engine: Engine | None = None
        self.app: ASGIApp | None = None
        self.requests = RequestsInFlight()
        self.restarts = 0
        self.error: MixvllmError | None = None
        self._builder = builder
        self._grace_s = grace_s
        self._find_cause = find_cause
        self._log = log
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        # One thread for the whole life of the process: engine processes may be bound to the
        # thread that started them.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")

    @property
    def prediction(self) -> Prediction:
        """What the engine is expected to report."""
        return self._builder.prediction

    def stop(self) -> None:
        """Ask for the end."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve until `stop` is called or the engine fails; `error` says which."""
        try:
            if await self._start():
                await self._watch()
        except MixvllmError as error:
            self.error = error
        finally:
            await self._end()

    async def _start(self) -> bool:
        """Build the engine and swap its app in; False when `stop` came first."""
        self.lifecycle.move(Phase.CHECKING)
        loop = asyncio.get_running_loop()
        self._loop = loop
        building = loop.run_in_executor(
            self._thread, self._builder.build, self.report_step_from_thread
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        either: set[asyncio.Future[Any]] = {building, stopping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not building.done():
            # What it raises when its processes are taken away interests nobody.
            building.add_done_callback(lambda done: done.cancelled() or done.exception())
            return False
        stopping.cancel()
        try:
            self.engine = building.result()
            self.app = await self.engine.start()
        except MixvllmError:
            raise
        except Exception as error:
            raise await self._worded(EngineStartError, error) from error
        self.lifecycle.move(Phase.READY)
        return True

    def report_step_from_thread(self, phase: Phase, progress: Progress) -> None:
        """Take a step reported in another thread into the lifecycle, while it is news."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._report_step, phase, progress)

    def _report_step(self, phase: Phase, progress: Progress) -> None:
        if self.lifecycle.phase not in (Phase.READY, Phase.DRAINING, Phase.STOPPED):
            self.lifecycle.move(phase, progress)

    async def _watch(self) -> None:
        """Return when the end is asked for.

        Raises:
            EngineDiedError: the engine is dead.
        """
        assert self.engine is not None
        while not self._stopping.is_set():
            if self.engine.errored:
                raise await self._worded(EngineDiedError, None)
            try:
                await asyncio.wait_for(self._stopping.wait(), WATCH_INTERVAL_S)
            except TimeoutError:
                continue

    async def _worded(
        self, kind: type[EngineStartError], error: Exception | None
    ) -> EngineStartError:
        cause = await asyncio.to_thread(self._find_cause, error)
        if cause is None and self.engine is not None:
            cause = self.engine.describe_death()
        if error is not None:
            LOG.error("The engine could not be built.", exc_info=error)
        what = "The engine died" if kind is EngineDiedError else "vLLM could not load the model"
        return kind(f"{what}: {cause}" if cause else f"{what}.", log=self._log)

    async def _end(self) -> None:
        """Let requests finish, then end the engine."""
        self.app = None
        if self.error is not None:
            self.lifecycle.stop(self.error.message)
        else:
            self.lifecycle.move(Phase.DRAINING)
        if self.engine is not None:
            if self.error is None:
                await self.requests.wait_until_none(self._grace_s)
            self.engine.end_requests()
            await self.requests.wait_until_none(1.0)
            await asyncio.to_thread(self.engine.shutdown, ENGINE_SHUTDOWN_S)
            self.engine = None
        self._thread.shutdown(wait=False)
        self.lifecycle.stop()
