import io
import json
import shlex
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType
from rich.spinner import Spinner

from mixvllm.cli.serve_view import progress_view
from mixvllm.render.progress import (
    PassedPhase,
    checklist,
    curl_line,
    open_server_warning,
    phase_line,
    ready_lines,
    worded_event,
)
from mixvllm.server.lifecycle import Phase, Progress
from mixvllm.server.progress import PhaseProgress, ServerEvent, ServerReady
from mixvllm.server.reload import ReloadRefused, SettingsReloaded

READY = ServerReady(
    url="http://127.0.0.1:8000",
    model="demo",
    elapsed_s=25.04,
    kv_cache_tokens=23_296,
    kv_cache_max_concurrency=5.6875,
    max_model_len=4096,
)
EVENTS: list[ServerEvent] = [
    PhaseProgress(Phase.CHECKING, None, 0.1),
    PhaseProgress(Phase.LOADING, Progress("importing"), 0.2),
    PhaseProgress(Phase.LOADING, Progress("weights", 0.5), 9.0),
    READY,
    PhaseProgress(Phase.DRAINING, None, 30.0),
]


def text_of(*renderables: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    for renderable in renderables:
        console.print(renderable)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_a_phase_is_one_line_with_its_time() -> None:
    assert str(phase_line(EVENTS[0])) == "[   0.1 s] checking the model"  # type: ignore[arg-type]


def test_the_kv_cache_is_shown_beside_what_was_predicted() -> None:
    lines = [str(line) for line in ready_lines(replace(READY, predicted_kv_cache_tokens=23_040))]

    assert lines[1] == (
        "KV cache: 23,296 tokens (predicted 23,040), room for 5.69 requests of 4,096 tokens"
    )


def test_the_checklist_ticks_what_is_done_and_shows_how_far_the_rest_is() -> None:
    shown = text_of(
        checklist(
            [PassedPhase(Phase.CHECKING, 0.5)],
            Phase.LOADING,
            Progress("weights, file 1 of 2", 0.5),
            elapsed_s=7.25,
            spinner=Spinner("dots"),
        )
    )

    assert "✓ checking the model 0.5 s" in shown
    assert "loading the engine 7.2 s" in shown
    assert "weights, file 1 of 2" in shown


def test_ready_tells_the_address_the_room_and_a_request_to_try() -> None:
    first, room = [str(line) for line in ready_lines(READY)]

    assert first == "Ready in 25.0 s: demo at http://127.0.0.1:8000"
    assert room == "KV cache: 23,296 tokens, room for 5.69 requests of 4,096 tokens"
    request = curl_line(READY, needs_key=False)
    assert request.startswith("curl http://127.0.0.1:8000/v1/chat/completions")


def test_the_request_to_try_takes_the_key_from_the_environment() -> None:
    words = shlex.split(curl_line(READY, needs_key=True))

    assert "Authorization: Bearer $MIXVLLM_SERVER__API_KEY" in words
    assert words[-2] == "-d"


def test_a_plain_view_prints_each_phase_once() -> None:
    console = Console(file=io.StringIO(), width=40)
    with progress_view(console, needs_key=False, kind="lines") as report:
        for event in EVENTS:
            report(event)
    said = console.file.getvalue()  # type: ignore[attr-defined]

    assert said.count("loading the engine") == 1
    assert "Ready in 25.0 s: demo at http://127.0.0.1:8000\n" in said
    assert said.endswith("[  30.0 s] stopping\n")
    assert any(line.strip().endswith("}]}'") for line in said.splitlines())


@pytest.mark.parametrize("width", [40, 100])
def test_a_live_view_leaves_only_what_counts_behind(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with progress_view(console, needs_key=False, kind="checklist") as report:
        for event in EVENTS:
            report(event)
    said = console.file.getvalue()  # type: ignore[attr-defined]

    assert "loading the engine" in said
    assert "Ready in 25.0 s" in said.rpartition("\x1b")[2]


def test_a_view_for_collectors_writes_one_document_a_line() -> None:
    console = Console(file=io.StringIO(), width=40)
    with progress_view(console, needs_key=False, kind="json") as report:
        for event in EVENTS:
            report(event)
    documents = [json.loads(line) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]

    assert [d["event"] for d in documents] == ["phase", "phase", "phase", "ready", "phase"]
    assert documents[2]["progress"] == {"detail": "weights", "fraction": 0.5}
    assert documents[3]["url"] == READY.url
    assert all(
        list(document)[:4] == ["time", "level", "source", "message"] for document in documents
    )
    assert documents[2]["message"] == "loading the engine: weights"
    assert documents[3]["message"] == "Ready in 25.0 s: demo at http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("event", "level", "message"),
    [
        (
            PhaseProgress(Phase.RESTARTING, Progress("It died."), 9.0),
            "warning",
            "restarting: It died.",
        ),
        (SettingsReloaded(("a", "b"), ("c",)), "info", "reloaded: a, b; needs a restart: c"),
        (SettingsReloaded((), ()), "info", "reloaded: nothing has changed"),
        (ReloadRefused("It is wrong.", None, ()), "error", "not reloaded: It is wrong."),
    ],
)
def test_an_event_has_a_level_and_a_message(event: ServerEvent, level: str, message: str) -> None:
    assert worded_event(event) == (level, message)


@pytest.mark.parametrize("width", [40, 100])
def test_an_open_server_is_warned_of_with_both_cures(width: int) -> None:
    shown = text_of(open_server_warning("0.0.0.0"), width=width)

    assert "0.0.0.0" in shown
    assert "MIXVLLM_SERVER__API_KEY" in shown
    assert "127.0.0.1" in shown
