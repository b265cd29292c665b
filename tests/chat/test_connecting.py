"""From an address to a model that answers: nobody there, not ready yet, and which model."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from mixvllm.chat.api_client import ApiClient
from mixvllm.chat.connecting import require_listener, wait_until_ready
from mixvllm.chat.endpoint import endpoint_at, endpoint_here
from mixvllm.chat.events import Answered, Failed, ServerLoading, TextPiece
from mixvllm.chat.served_model import ServedModel
from mixvllm.errors import ChatError
from tests.chat.scripted_server import (
    Answer,
    ScriptedServer,
    error,
    model,
    models,
    refuses,
    says,
)
from tests.chat.talking import all_of, of_type, talk

pytestmark = pytest.mark.anyio

Step = ServerLoading | tuple[ServedModel, ...]


def not_ready(phase: str, elapsed_s: float) -> Answer:
    """What mixvllm's gateway says before it is ready."""
    beside = {"phase": phase, "elapsed_s": elapsed_s}
    return refuses(503, error("Not ready.", "service_unavailable", 503, **beside))


READY = models(model())


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def steps_of(server: ScriptedServer, *, patience_s: float = 60) -> Sequence[Step]:
    async with ApiClient(endpoint_at(server.url)) as client:
        waiting: AsyncIterator[Step] = wait_until_ready(client, poll_s=0, patience_s=patience_s)
        return [step async for step in waiting]


async def test_where_nobody_listens_one_line_says_so_at_once(free_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(ChatError) as caught:
        await require_listener(endpoint_here("0.0.0.0", free_port))

    assert time.monotonic() - began < 1
    url = f"http://127.0.0.1:{free_port}/v1"
    assert caught.value.message == f"No server answers at {url}: Connection refused."
    assert caught.value.hint == "Start one in another terminal: mixvllm serve demo"


async def test_a_server_that_listens_is_found_and_left_alone() -> None:
    with ScriptedServer() as server:
        await require_listener(endpoint_at(server.url))

    assert server.requests == []


async def test_a_server_elsewhere_is_not_tried_past_its_proxy() -> None:
    await require_listener(endpoint_at("http://nowhere.invalid/v1"))


async def test_a_name_without_an_address_is_told() -> None:
    async with ApiClient(endpoint_at("http://nowhere.invalid/v1")) as client:
        with pytest.raises(ChatError, match="No server answers at"):
            await anext(wait_until_ready(client))


async def test_the_phases_are_told_until_the_server_is_ready() -> None:
    listed = [not_ready("loading", 3.5), not_ready("compiling", 9.0), READY]
    status = {"phase": "loading", "progress": {"detail": "shard 2 of 4", "fraction": 0.5}}
    with ScriptedServer(listed=listed, status=status) as server:
        steps = await steps_of(server)

    assert steps == [
        ServerLoading("loading", 3.5, "shard 2 of 4"),
        ServerLoading("compiling", 9.0, "shard 2 of 4"),
        (ServedModel("small", 4096, "small"),),
    ]


async def test_a_status_that_cannot_be_had_hides_no_phase() -> None:
    with ScriptedServer(listed=[not_ready("loading", 3.5), READY]) as server:
        assert (await steps_of(server))[0] == ServerLoading("loading", 3.5)


async def test_other_servers_that_say_that_they_load_are_waited_for_too() -> None:
    loading = refuses(503, error("Loading model", "unavailable_error", 503))
    with ScriptedServer(listed=[loading, READY]) as server:
        first, _ = await steps_of(server)

    assert isinstance(first, ServerLoading)
    assert first.phase == "loading"


@pytest.mark.parametrize("phase", ["draining", "stopped"])
async def test_a_server_that_is_ending_is_not_waited_for(phase: str) -> None:
    with (
        ScriptedServer(listed=[not_ready(phase, 90)]) as server,
        pytest.raises(ChatError, match="Not ready"),
    ):
        await steps_of(server)

    assert len(server.requests) == 1


async def test_a_server_that_never_gets_ready_is_given_up() -> None:
    with (
        ScriptedServer(listed=[not_ready("loading", 9)]) as server,
        pytest.raises(ChatError, match=r"still not ready after 0 s \(phase: loading\)"),
    ):
        await steps_of(server, patience_s=0)


async def test_a_server_that_wants_another_key_says_how_to_give_it() -> None:
    with (
        ScriptedServer(listed=[refuses(401, error("Bad key", code=401))]) as server,
        pytest.raises(ChatError) as caught,
    ):
        await steps_of(server)

    assert caught.value.message == "The server refuses the key: Bad key."
    assert "MIXVLLM_SERVER__API_KEY" in str(caught.value.hint)


async def test_a_server_that_restarts_between_two_messages_is_waited_for() -> None:
    script = [says("one"), not_ready("restarting", 1), says("two")]
    listed = [not_ready("loading", 2), READY]
    with ScriptedServer(script, listed=listed) as server:
        async with talk(server) as conversation:
            await all_of(conversation.send("Hi"))
            events = await all_of(conversation.send("More"))

    assert of_type(events, ServerLoading) == [ServerLoading("loading", 2.0)]
    assert of_type(events, TextPiece) == [TextPiece("two")]
    assert isinstance(events[-1], Answered)


async def test_a_server_that_stops_while_it_is_waited_for_fails_the_message() -> None:
    script = [not_ready("restarting", 1)]
    with ScriptedServer(script, listed=[not_ready("stopped", 2)]) as server:
        async with talk(server) as conversation:
            (failed,) = await all_of(conversation.send("Hi"))

    assert isinstance(failed, Failed)
    assert failed.kind == "unreachable"
