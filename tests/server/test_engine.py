"""The real engine behind the gateway: one server for the whole file."""

import base64
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import openai
import psutil
import pytest

from mixvllm.server.metrics.route_names import route_of
from tests.server.metrics.exposition import Metrics
from tests.server.processes import ServerProcess, server_process
from tests.server.recording_server import ROUTES_FILE

pytestmark = pytest.mark.engine

KEY = "a-long-random-text"
DEFAULTS = ["--temperature", "0", "--max-tokens", "9", "--frequency-penalty", "1.5"]
QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
PLAIN: dict[str, Any] = {"temperature": 0, "frequency_penalty": 0}
MESSAGES = [{"role": "user", "content": QUESTION}]
SUCCEEDED = "vllm:request_success_total"
VLLM_METRICS = Path(__file__).parent / "metrics" / "vllm_metrics.txt"
OURS = {"/health", "/live", "/status", "/metrics", "/openapi.json", "/docs"}


@pytest.fixture(scope="module")
def routes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("routes") / "routes.json"


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, shared_cache: Path, routes_file: Path
) -> Iterator[ServerProcess]:
    directory = tmp_path_factory.mktemp("server")
    environment = {
        "MIXVLLM_SERVER__API_KEY": KEY,
        "XDG_CACHE_HOME": str(shared_cache),
        "XDG_STATE_HOME": str(directory / "state"),
        "XDG_RUNTIME_DIR": str(directory / "run"),
        ROUTES_FILE: str(routes_file),
    }
    command = ["-m", "tests.server.recording_server", "serve", "demo", "--host", "127.0.0.1"]
    with server_process([*command, *DEFAULTS], directory, environment) as process:
        process.wait_for_phase("ready", within_s=300)
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=120) as client:
        yield client


@pytest.fixture
def sdk(server: ServerProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as sdk:
        yield sdk


def ask(client: httpx.Client, path: str, **request: Any) -> dict[str, Any]:
    answer = client.post(path, json={"model": "demo", **request})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def chat(client: httpx.Client, question: str = QUESTION, **request: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return ask(client, "/v1/chat/completions", messages=messages, **request)


def text_of(answer: dict[str, Any]) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


def test_chat_knows_the_capital_of_france(client: httpx.Client) -> None:
    answer = chat(client, max_tokens=30, **PLAIN)

    assert text_of(answer) == ANSWER
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_the_sdk_streams_the_same_answer(sdk: openai.OpenAI) -> None:
    stream = sdk.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": QUESTION}],
        temperature=0,
        frequency_penalty=0,
        max_tokens=30,
        stream=True,
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]

    assert "".join(pieces) == ANSWER
    assert len([piece for piece in pieces if piece]) > 3


def test_the_sdk_gets_the_answer_in_one_piece(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": QUESTION}],
        frequency_penalty=0,
        max_tokens=30,
    )

    assert answer.choices[0].message.content == ANSWER


def test_completions_go_on_with_the_prompt(client: httpx.Client) -> None:
    prompt = "The capital of France is"
    answer = ask(client, "/v1/completions", prompt=prompt, max_tokens=5, **PLAIN)

    assert "Paris" in answer["choices"][0]["text"]


def test_responses_know_it_too(sdk: openai.OpenAI) -> None:
    answer = sdk.responses.create(
        model="demo",
        input=QUESTION,
        max_output_tokens=30,
        extra_body={"frequency_penalty": 0},
    )

    assert answer.output_text == ANSWER


def test_an_answer_whose_length_is_left_open_has_the_default_length(client: httpx.Client) -> None:
    story = "Tell me a long story about a fox."
    chatted = chat(client, story)
    completed = ask(client, "/v1/completions", prompt="Once upon a time")
    responded = ask(client, "/v1/responses", input=story)

    assert chatted["usage"]["completion_tokens"] == 9
    assert chatted["choices"][0]["finish_reason"] == "length"
    assert completed["usage"]["completion_tokens"] == 9
    assert responded["usage"]["output_tokens"] == 9


@pytest.mark.parametrize("length", [5, 40])
def test_a_length_of_the_request_wins_shorter_or_longer(client: httpx.Client, length: int) -> None:
    story = "Tell me a long story about a fox."
    by_chat = chat(client, story, max_tokens=length, ignore_eos=True)
    by_new_name = chat(client, story, max_completion_tokens=length, ignore_eos=True)
    by_completion = ask(
        client, "/v1/completions", prompt="Once", max_tokens=length, ignore_eos=True
    )
    by_response = ask(client, "/v1/responses", input=story, max_output_tokens=length)

    assert by_chat["usage"]["completion_tokens"] == length
    assert by_new_name["usage"]["completion_tokens"] == length
    assert by_completion["usage"]["completion_tokens"] == length
    assert by_response["usage"]["output_tokens"] == length


def test_a_streamed_answer_has_the_default_length_too(client: httpx.Client) -> None:
    request = {
        "model": "demo",
        "prompt": "Once upon a time",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with client.stream("POST", "/v1/completions", json=request) as stream:
        events = [line[6:] for line in stream.iter_lines() if line.startswith("data: {")]

    assert json.loads(events[-1])["usage"]["completion_tokens"] == 9


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/responses", "/v1/chat/completions"])
def test_a_default_penalty_changes_the_text_and_a_zero_of_the_request_does_not(
    client: httpx.Client, path: str
) -> None:
    repetitive = "one one one one one one one one one one one one"
    asked: dict[str, dict[str, Any]] = {
        "/v1/completions": {"prompt": repetitive, "max_tokens": 20},
        "/v1/responses": {"input": f"Repeat: {repetitive}", "max_output_tokens": 40},
        "/v1/chat/completions": {
            "messages": [{"role": "user", "content": f"Repeat: {repetitive}"}],
            "max_tokens": 40,
        },
    }
    by_default = words(ask(client, path, **asked[path]))
    same = words(ask(client, path, **asked[path], frequency_penalty=1.5))
    without = words(ask(client, path, **asked[path], frequency_penalty=0))

    assert by_default == same
    assert by_default != without


def words(answer: dict[str, Any]) -> str:
    """The text of an answer of any of the three routes."""
    if "output" in answer:
        return str(answer["output"][0]["content"][0]["text"])
    choice = answer["choices"][0]
    return str(choice["text"] if "text" in choice else choice["message"]["content"])


def test_a_default_temperature_makes_answers_repeatable_and_the_request_may_change_it(
    client: httpx.Client,
) -> None:
    story = "Tell me something surprising."
    repeated = {text_of(chat(client, story, max_tokens=20)) for _ in range(2)}
    varied = {text_of(chat(client, story, max_tokens=20, temperature=1.8)) for _ in range(3)}

    assert len(repeated) == 1
    assert len(varied) > 1


@pytest.fixture
def routes(routes_file: Path, client: httpx.Client) -> set[tuple[str, str]]:
    """The method and path of every route of vLLM's app, of ours, and of the OpenAPI document."""
    theirs = {(method, path) for method, path in json.loads(routes_file.read_text())}
    assert len(theirs) > 25
    assert {path for _, path in theirs} >= {"/invocations", "/tokenize", "/v1/chat/completions"}
    documented = client.get("/openapi.json").json()["paths"]
    ours = {("GET", path) for path in OURS}
    listed = {(m.upper(), path) for path, methods in documented.items() for m in methods}
    filled = {
        (method, re.sub(r"\{[^}]*\}", "x", path) or "/") for method, path in theirs | ours | listed
    }
    return {route for route in filled if route[0] != "WEBSOCKET"}


def test_every_route_refuses_without_the_key_but_health_and_live(
    server: ServerProcess, routes: set[tuple[str, str]]
) -> None:
    for method, path in routes:
        answer = httpx.request(method, server.url + path, timeout=30)
        expected_open = path in ("/health", "/live")
        assert (answer.status_code != 401) is expected_open, (method, path, answer.status_code)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"Bearer " + KEY[:-1].encode(), id="a part of it"),
        pytest.param(f"Bearer {KEY}\N{COMBINING ACUTE ACCENT}".encode(), id="UTF-8"),
        pytest.param(f"Bearer {KEY}\N{NO-BREAK SPACE}".encode("latin-1"), id="Latin-1"),
        pytest.param(
            b"Bearer \xff\xfe" + KEY.encode("utf-16-le").replace(b"\0", b""), id="UTF-16 mark"
        ),
        pytest.param(b"Bearer " + base64.b64encode(KEY.encode()), id="base64"),
        pytest.param(b"Basic " + base64.b64encode(f"user:{KEY}".encode()), id="Basic"),
        pytest.param(b"Bearer " + quote(KEY, safe="").replace("-", "%2D").encode(), id="percent"),
        pytest.param(f'Bearer "{KEY}"'.encode(), id="in quotes"),
        pytest.param(f"Bearer {KEY}, Bearer {KEY}".encode(), id="a list"),
        pytest.param(f"Bearer Bearer {KEY}".encode(), id="twice"),
        pytest.param(f"Bearer {KEY.swapcase()}".encode(), id="other case"),
        pytest.param(b"Bearer " + b"k" * 4000, id="long"),
        pytest.param(b"Bearer", id="nothing"),
    ],
)
def test_every_route_refuses_what_is_only_like_the_key(
    server: ServerProcess, routes: set[tuple[str, str]], value: bytes
) -> None:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        answers = {
            (method, path, name): client.request(method, path, headers={name: value}).status_code
            for method, path in routes
            if path not in ("/health", "/live")
            for name in (b"authorization", b"x-api-key")
        }

    assert len(answers) > 60
    assert set(answers.values()) == {401}, answers


def test_openapi_shows_our_routes_and_vllms(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert set(paths) >= {"/status", "/health", "/v1/chat/completions", "/v1/models", "/tokenize"}
    assert paths["/health"]["get"]["tags"] == ["mixvllm"]


def test_status_tells_the_numbers_that_vllm_reports(
    server: ServerProcess, client: httpx.Client
) -> None:
    status = client.get("/status").json()
    log = next(Path(line.strip()) for line in registry_logs(server))
    reported = re.search(r"KV cache size: ([\d,]+) tokens", log.read_text())

    assert reported is not None
    assert status["kv_cache"]["actual_tokens"] == int(reported[1].replace(",", ""))
    assert status["kv_cache"]["predicted_tokens"] == status["kv_cache"]["actual_tokens"]
    assert f"KV cache: {reported[1]} tokens (predicted {reported[1]})" in server.said
    assert len(status["engine_pids"]) == 2
    assert status["model"] == "demo"
    assert KEY not in json.dumps(status)


def registry_logs(server: ServerProcess) -> list[str]:
    """The logs under the state directory of the server."""
    logs = server.errors.parent / "state" / "mixvllm" / "logs"
    return [str(path) for path in logs.glob("*.log")]


def test_its_processes_are_copies_of_one_that_had_vllm_imported(
    server: ServerProcess, client: httpx.Client
) -> None:
    status = client.get("/status").json()
    processes = [psutil.Process(pid) for pid in status["engine_pids"]]
    parents = {process.ppid() for process in processes}

    (parent,) = parents
    assert parent in {child.pid for child in psutil.Process(server.process.pid).children()}
    assert "forkserver" in " ".join(psutil.Process(parent).cmdline())


def test_the_metrics_are_vllms_and_ours_in_one_answer(client: httpx.Client) -> None:
    chat(client, max_tokens=5)
    read = Metrics(client.get("/metrics").text)
    status = client.get("/status").json()

    assert sum(value for (name, _), value in read.values.items() if name == SUCCEEDED) > 0
    assert read.value("mixvllm_server_phase", phase="ready") == 1
    assert (read.value("mixvllm_engine_load_seconds") or 0) > 1
    for kind in ("predicted", "actual"):
        tokens = read.value("mixvllm_kv_cache_tokens", kind=kind)
        assert tokens == status["kv_cache"][f"{kind}_tokens"]
    answered = {"route": "/v1/chat/completions", "status": "200"}
    assert (read.value("mixvllm_http_requests_total", **answered) or 0) > 0


def test_the_names_of_vllms_metrics_are_those_that_the_dashboard_was_made_with(
    client: httpx.Client,
) -> None:
    exported = {name for name in Metrics(client.get("/metrics").text).names if "vllm:" in name}

    assert set(VLLM_METRICS.read_text().split()) - exported == set()


def test_every_route_of_vllm_has_a_name_in_the_metrics(
    routes_file: Path, client: httpx.Client
) -> None:
    theirs = {path for method, path in json.loads(routes_file.read_text()) if method != "WEBSOCKET"}

    assert len(theirs) > 25
    assert {path for path in theirs if route_of(path) != path} == set()


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_the_id_of_a_request_is_in_vllms_answer_and_in_its_header(
    client: httpx.Client, path: str
) -> None:
    asked = {"prompt": "Once"} if path == "/v1/completions" else {"messages": MESSAGES}
    request = {"model": "demo", "max_tokens": 1, **asked}
    named = client.post(path, json=request, headers={"X-Request-Id": "my-id.1"})
    by_body = client.post(path, json={**request, "request_id": "of-the-body"})
    refused = client.post(path, json={}, headers={"X-Request-Id": "my-id.2"})

    assert named.json()["id"].endswith("cmpl-my-id.1")
    assert named.headers["x-request-id"] == "my-id.1"
    assert by_body.json()["id"].endswith("cmpl-of-the-body")
    assert refused.status_code == 400
    assert refused.headers["x-request-id"] == "my-id.2"


def test_bad_json_is_answered_by_vllm(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/v1/chat/completions", content=b"{", headers=headers)

    assert answer.status_code == 400
    assert "error" in answer.json()


def test_more_answers_than_allowed_are_refused(client: httpx.Client) -> None:
    request = {"model": "demo", "prompt": "Once", "n": 17, "temperature": 1}
    answer = client.post("/v1/completions", json=request)

    assert answer.status_code == 400
    assert "16" in answer.json()["error"]["message"]


def test_a_client_that_goes_away_frees_its_request(client: httpx.Client) -> None:
    request = {"model": "demo", "prompt": "Once", "max_tokens": 3000, "ignore_eos": True}
    with client.stream("POST", "/v1/completions", json={**request, "stream": True}) as answer:
        next(answer.iter_lines())
        assert running_requests(client) == 1

    deadline = time.monotonic() + 10
    while running_requests(client) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running_requests(client) == 0


def running_requests(client: httpx.Client) -> float:
    """How many requests the engine is answering, as its metrics say."""
    lines = client.get("/metrics").text.splitlines()
    running = [line for line in lines if line.startswith("vllm:num_requests_running")]
    return sum(float(line.rpartition(" ")[2]) for line in running)


def test_the_terminal_shows_phases_the_address_and_a_request_to_try(server: ServerProcess) -> None:
    said = server.said

    assert "checking the model" in said
    assert "loading the engine" in said
    assert f"demo at {server.url}" in said
    assert f"curl {server.url}/v1/chat/completions" in said
    assert KEY not in said
    assert "INFO" not in said
