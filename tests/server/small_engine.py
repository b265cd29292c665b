"""A second real engine: an app that answers with what it was asked, loaded in no time."""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from mixvllm.server.engine import ASGIApp, StepReporter
from mixvllm.server.gateway import create_gateway
from mixvllm.server.lifecycle import Lifecycle, Phase, Progress
from mixvllm.server.live_settings import LiveSettings
from mixvllm.server.prediction import Prediction
from mixvllm.server.restarts import RestartBudget
from mixvllm.server.supervisor import Supervisor
from mixvllm.settings.schema import ServeConfig
from mixvllm.vllm_internals.facts import EngineFacts

ENGINE_PID = 4_000_000


class SmallEngine:
    """Answers `/v1/...` with the request it got; `/v1/stream` goes on until it is ended.

    `/v1/events/...` are streams of events that end as vLLM's do: with an error and `[DONE]`, or
    by an exception where the path ends with `responses`; `/v1/slow` is an answer in one piece,
    given when the engine dies or `finish` is called; `/v1/silent` is a stream with a pause;
    `/v1/broken` raises.
    """

    def __init__(self, facts: EngineFacts | None = None) -> None:
        self.facts = facts or EngineFacts(max_model_len=64)
        self.pids: tuple[int, ...] = (ENGINE_PID,)
        self.worker_pids: tuple[int, ...] = ()
        self.answers_probes = True
        self.errored = False
        self.shut_down = False
        self.app: FastAPI | None = None
        self.seen: list[int] = []
        self.metrics = "# TYPE engine_metric gauge\nengine_metric 1"
        self._ended = asyncio.Event()
        self._finished = asyncio.Event()

    async def start(self, server: object) -> FastAPI:
        self._ended = asyncio.Event()
        self.app = app = FastAPI(title="small")

        async def echo(request: Request) -> dict[str, Any]:
            body = (await request.body()).decode()
            length = request.headers.get("content-length")
            return {
                "body": body,
                "content_length": length,
                "root_path": request.scope["root_path"],
                "request_id": request.headers.get("x-request-id"),
            }

        for path in ("/v1/completions", "/v1/chat/completions", "/v1/responses", "/invocations"):
            app.post(path)(echo)

        @app.get("/health")
        async def health() -> str:
            return "the engine's own"

        @app.get("/metrics")
        async def metrics() -> PlainTextResponse:
            return PlainTextResponse(self.metrics)

        @app.get("/v1/broken")
        async def broken() -> str:
            raise KeyError("nobody thought of this")

        @app.get("/v1/garbage")
        async def garbage() -> tuple[int, int, int]:
            return gc.get_threshold()

        @app.get("/v1/stream")
        async def stream() -> StreamingResponse:
            return StreamingResponse(self._words())

        @app.get("/v1/events/{route}")
        async def events(route: str) -> StreamingResponse:
            return StreamingResponse(self._events(route), media_type="text/event-stream")

        self._add_slow_routes(app)

        @app.websocket("/v1/realtime")
        async def realtime(socket: WebSocket) -> None:
            await socket.accept()
            await socket.close()

        return app

    def _add_slow_routes(self, app: FastAPI) -> None:
        @app.post("/v1/slow")
        async def slow(request: Request) -> JSONResponse:
            body = await request.body()
            self.seen.append(json.loads(body)["number"] if body else 0)
            await self._end()
            if self._finished.is_set():
                return JSONResponse({"answer": 42})
            return JSONResponse({"error": "EngineCore encountered an issue"}, status_code=500)

        @app.get("/v1/silent")
        async def silent() -> StreamingResponse:
            return StreamingResponse(self._silence(), media_type="text/event-stream")

    async def _words(self) -> AsyncIterator[str]:
        while not self._ended.is_set():
            yield "word\n"
            await asyncio.sleep(0.01)
        yield "ended by the server\n"

    async def _events(self, route: str) -> AsyncIterator[str]:
        while not self._ended.is_set():
            yield 'data: {"word": 1}\n\n'
            await asyncio.sleep(0.01)
        if route == "responses":
            raise RuntimeError("EngineCore encountered an issue")
        yield 'data: {"error": {"message": "EngineCore encountered an issue", "code": 500}}\n\n'
        yield "data: [DONE]\n\n"

    async def _end(self) -> None:
        ends = [asyncio.create_task(each.wait()) for each in (self._ended, self._finished)]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()

    async def _silence(self) -> AsyncIterator[str]:
        yield "data: first\n\n"
        await asyncio.sleep(0.1)
        yield "data: last\n\n"

    def finish(self) -> None:
        """Answer what waits at `/v1/slow`, now and from now on."""
        self._finished.set()

    async def probe(self) -> None:
        if not self.answers_probes:
            await asyncio.Event().wait()

    def die(self) -> None:
        """Die as vLLM does: its streams end at once, before anybody has looked."""
        self.errored = True
        self._ended.set()

    def describe_death(self) -> str | None:
        return "its process fell asleep"

    def openapi(self) -> dict[str, Any] | None:
        return self.app.openapi() if self.app else None

    def end_requests(self) -> None:
        self._ended.set()

    def shutdown(self, timeout_s: float) -> None:
        self.shut_down = True


@dataclass
class SmallBuilder:
    """Builds small engines; holds the build until `gate` is set, and fails with `failure`."""

    engine: SmallEngine = field(default_factory=SmallEngine)
    failure: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    threads: list[int] = field(default_factory=list)
    prediction: Prediction = field(default_factory=Prediction)

    def build(self, on_step: StepReporter) -> SmallEngine:
        self.threads.append(threading.get_ident())
        on_step(Phase.LOADING, Progress("loading", 0.5))
        self.gate.wait(30)
        if self.failure is not None:
            raise self.failure
        if self.engine.shut_down:
            self.engine = SmallEngine()
        return self.engine


@dataclass(frozen=True)
class Running:
    """A gateway in this process, a client of it, and the levers."""

    client: httpx.AsyncClient
    supervisor: Supervisor
    builder: SmallBuilder
    gateway: ASGIApp
    task: asyncio.Task[None]

    async def ready(self) -> None:
        self.builder.gate.set()
        await self.reach(Phase.READY)

    async def reach(self, phase: Phase) -> None:
        async with asyncio.timeout(10):
            while self.supervisor.lifecycle.phase is not phase:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running(
    settings: ServeConfig | None = None, builder: SmallBuilder | None = None
) -> AsyncIterator[Running]:
    """A server without sockets: gateway, supervisor and a small engine that is being built."""
    settings = settings or served()
    builder = builder or SmallBuilder()
    live = LiveSettings(settings)
    supervisor = Supervisor(
        builder,
        Lifecycle(),
        live=live,
        budget=RestartBudget(settings.server.max_restarts),
        health_timeout_s=settings.server.health_timeout_s,
    )
    gateway = create_gateway(live, supervisor)
    task = asyncio.create_task(supervisor.run())
    transport = httpx.ASGITransport(gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
        yield Running(client, supervisor, builder, gateway, task)
    builder.gate.set()
    supervisor.stop()
    await task


def served(**sections: dict[str, Any]) -> ServeConfig:
    """Settings that name a model."""
    return ServeConfig.from_layers([{"model": {"name": "small"}, **sections}])
