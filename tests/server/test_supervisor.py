import asyncio
import subprocess
import sys
import threading

import pytest

from mixvllm.errors import (
    EngineDiedError,
    EngineStartError,
    MixvllmError,
    ModelError,
    PreflightError,
    Problem,
)
from mixvllm.server import engine_watch
from mixvllm.server.lifecycle import Phase
from tests.server.small_engine import SmallBuilder, running, served

pytestmark = pytest.mark.anyio


async def test_the_engine_is_built_off_the_event_loop() -> None:
    async with running() as server:
        await server.ready()

    assert server.builder.threads != [threading.get_ident()]


async def test_a_failed_build_stops_the_server_with_the_cause() -> None:
    async with running(builder=SmallBuilder(failure=RuntimeError("no memory"))) as server:
        server.builder.gate.set()
        await server.task
        status = (await server.client.get("/status")).json()

    assert isinstance(server.supervisor.error, EngineStartError)
    assert status["phase"] == "stopped"
    assert status["error"] == "vLLM could not load the model: no memory"
    assert status["code"] == "engine-start"


async def test_an_error_of_ours_is_kept_as_it_is() -> None:
    error = ModelError("There is no such model.", hint="Check the spelling.")
    async with running(builder=SmallBuilder(failure=error)) as server:
        server.builder.gate.set()
        await server.task
        status = (await server.client.get("/status")).json()

    assert server.supervisor.error is error
    assert (status["error"], status["code"]) == ("There is no such model.", "model-unreadable")


async def test_the_code_of_a_refusal_is_that_of_what_stops_it() -> None:
    doubt = Problem("fits narrowly", severity="warning", code="fits-narrowly")
    wrong = Problem("the weights are larger than the GPU", code="weights-too-large")
    error = PreflightError("It does not fit.", problems=[doubt, wrong])
    async with running(builder=SmallBuilder(failure=error)) as server:
        server.builder.gate.set()
        await server.task
        status = (await server.client.get("/status")).json()

    assert status["code"] == "weights-too-large"


async def test_a_dead_engine_is_replaced() -> None:
    async with running() as server:
        await server.ready()
        first = server.builder.engine
        first.die()
        await server.reach(Phase.RESTARTING)
        assert (await server.client.get("/health")).status_code == 503
        await server.reach(Phase.READY)

        assert first.shut_down
        assert server.builder.engine is not first
        assert server.supervisor.restarts == 1
        assert (await server.client.post("/v1/completions")).status_code == 200


async def test_without_restarts_the_death_of_the_engine_stops_the_server_with_the_cause() -> None:
    async with running(served(server={"max_restarts": 0})) as server:
        await server.ready()
        server.builder.engine.die()
        await server.task

    error: MixvllmError | None = server.supervisor.error
    assert isinstance(error, EngineDiedError)
    assert error.message == "The engine died: its process fell asleep"
    assert server.supervisor.lifecycle.phase is Phase.STOPPED
    assert server.builder.engine.shut_down


async def test_the_server_gives_up_when_no_restart_is_left() -> None:
    async with running(served(server={"max_restarts": 1})) as server:
        await server.ready()
        server.builder.engine.die()
        await server.reach(Phase.RESTARTING)
        await server.reach(Phase.READY)
        server.builder.engine.die()
        await server.task

    assert isinstance(server.supervisor.error, EngineDiedError)
    assert server.supervisor.error.message == (
        "The engine was restarted once within 10 minutes, and failed again. "
        "The engine died: its process fell asleep"
    )


async def test_a_rebuild_that_fails_is_tried_again() -> None:
    async with running() as server:
        await server.ready()
        server.builder.failure = RuntimeError("no memory yet")
        server.builder.engine.die()
        async with asyncio.timeout(5):
            while "Restart 2 of 5" not in str(server.supervisor.lifecycle.progress):
                await asyncio.sleep(0.001)
        server.builder.failure = None
        await server.reach(Phase.READY)

    assert server.supervisor.restarts == 2
    assert server.supervisor.error is None


async def test_an_engine_whose_process_ends_is_replaced_whatever_it_says_itself() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    builder = SmallBuilder()
    builder.engine.pids = (child.pid,)
    async with running(builder=builder) as server:
        await server.ready()
        child.kill()
        await server.reach(Phase.RESTARTING)
        await server.reach(Phase.READY)

    child.wait()
    assert server.supervisor.restarts == 1


async def test_an_engine_that_no_longer_answers_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_watch, "PROBE_INTERVAL_S", 0.01)
    async with running(served(server={"health_timeout_s": 0.1})) as server:
        await server.ready()
        first = server.builder.engine
        first.answers_probes = False
        await server.reach(Phase.RESTARTING)
        await server.reach(Phase.READY)

        assert server.builder.engine is not first


async def test_the_code_of_a_death_is_told_until_the_engine_is_replaced() -> None:
    async with running() as server:
        await server.ready()
        server.builder.gate.clear()
        server.builder.engine.die()
        codes = {}
        server.supervisor.lifecycle.subscribe(lambda now: codes.update({now.phase: now.code}))
        await server.reach(Phase.LOADING)
        loading = (await server.client.get("/status")).json()
        server.builder.gate.set()
        await server.ready()
        ready = (await server.client.get("/status")).json()

    assert codes[Phase.RESTARTING] == codes[Phase.CHECKING] == "engine-died"
    assert (loading["code"], loading["error"]) == ("engine-died", None)
    assert ready["code"] is None


async def test_a_stop_while_restarting_ends_the_server() -> None:
    async with running() as server:
        await server.ready()
        server.builder.gate.clear()
        server.builder.engine.die()
        await server.reach(Phase.LOADING)
        server.supervisor.stop()
        await asyncio.wait_for(server.task, 5)

    assert server.supervisor.error is None


async def test_a_stop_while_building_does_not_wait_for_the_build() -> None:
    async with running() as server:
        await server.reach(Phase.LOADING)
        server.supervisor.stop()
        await asyncio.wait_for(server.task, 5)

        assert server.supervisor.error is None
        assert server.supervisor.lifecycle.phase is Phase.STOPPED


async def test_a_stop_ends_the_engine() -> None:
    async with running() as server:
        await server.ready()
        server.supervisor.stop()
        await server.task

    assert server.builder.engine.shut_down
    assert server.supervisor.error is None


async def test_a_stop_lets_requests_in_flight_finish_for_the_time_of_grace() -> None:
    settings = served(server={"shutdown_grace_s": 0.2})
    async with running(settings) as server:
        await server.ready()
        stream = asyncio.create_task(server.client.get("/v1/stream"))
        async with asyncio.timeout(5):
            while not server.supervisor.requests.count:
                await asyncio.sleep(0.001)
        server.supervisor.stop()
        answer = await asyncio.wait_for(stream, 5)
        await server.task

    assert answer.text.endswith("ended by the server\n")
    assert answer.text.count("word") > 5
