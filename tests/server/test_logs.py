"""Log lines: as text, and as one JSON document each, whoever printed them."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mixvllm.server.logs import JsonFormatter, TextFormatter, json_line, printed_as_json
from mixvllm.vllm_internals.failure_cause import FailureCause
from mixvllm.vllm_internals.output_lines import parse
from tests.server.processes import ServerProcess, server_process


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("mixvllm.x", logging.WARNING, "x.py", 1, message, arguments, None)
    made.__dict__.update(extra)
    return made


def test_a_record_is_one_document_with_time_level_source_and_message() -> None:
    line = JsonFormatter().format(record("%s is\nwrong", "it", request_id="one", data={"a": 1}))
    document = json.loads(line)

    assert "\n" not in line
    assert list(document) == ["time", "level", "source", "message", "request_id", "a"]
    assert document["time"].endswith("+00:00")
    del document["time"]
    assert document == {
        "level": "warning",
        "source": "mixvllm.x",
        "message": "it is\nwrong",
        "request_id": "one",
        "a": 1,
    }


def test_a_traceback_is_a_part_of_its_document() -> None:
    failed = record("It failed.")
    try:
        raise KeyError("why")
    except KeyError:
        failed.exc_info = sys.exc_info()
    line = JsonFormatter().format(failed)

    assert "\n" not in line
    assert "KeyError: 'why'" in json.loads(line)["exception"]


def test_a_traceback_of_ours_is_not_taken_for_the_engines() -> None:
    failed = record("It failed.")
    try:
        raise KeyError("why")
    except KeyError:
        failed.exc_info = sys.exc_info()
    cause = FailureCause()
    for line in TextFormatter().format(failed).splitlines():
        cause.read(parse(line))

    assert cause.cause is None
    assert not cause.is_in_traceback


def test_a_line_for_people_ends_with_the_id_of_its_request() -> None:
    text = TextFormatter().format(record("It failed.", request_id="one"))

    assert text.endswith(" WARNING mixvllm.x: It failed. [one]")


@pytest.mark.parametrize(
    ("printed", "known"),
    [
        (
            "(EngineCore pid=12) WARNING 11-22 18:00:01 [core.py:9] It is slow.",
            {
                "level": "warning",
                "source": "vllm",
                "message": "It is slow.",
                "process": "EngineCore",
            },
        ),
        ("Loading: 50%", {"level": "info", "source": "output", "message": "Loading: 50%"}),
        ('{"time": broken', {"source": "output", "message": '{"time": broken'}),
    ],
)
def test_what_is_printed_becomes_a_document(printed: str, known: dict[str, str]) -> None:
    document = json.loads(printed_as_json(printed))

    assert document["time"]
    assert document.items() >= known.items()
    assert document.get("process") == ("EngineCore" if known["source"] == "vllm" else None)


def test_what_is_a_document_already_stays_as_it_is() -> None:
    line = json_line("info", "mixvllm", "Hello.")

    assert printed_as_json(line) == line


@pytest.fixture
def verbose(tmp_path: Path) -> Iterator[ServerProcess]:
    command = ["-m", "tests.server.small_server", "--verbose-json", str(tmp_path / "log")]
    with server_process(command, tmp_path) as server:
        server.wait_for_phase("ready", within_s=30)
        yield server


def documents(server: ServerProcess) -> list[dict[str, Any]]:
    """Every line on stderr; each must be a document."""
    return [json.loads(line) for line in server.said.splitlines()]


def test_every_line_of_a_verbose_server_is_a_document_and_names_its_request(
    verbose: ServerProcess,
) -> None:
    for path in ("/live", "/v1/broken"):
        httpx.get(verbose.url + path, headers={"X-Request-Id": f"id-of{path}"})
    verbose.process.terminate()
    verbose.process.wait(10)

    lines = documents(verbose)
    assert all({"time", "level", "source", "message"} <= set(line) for line in lines)
    by_id = {line["request_id"]: line for line in lines if "status" in line}
    assert by_id["id-of/live"]["status"] == 200
    assert by_id["id-of/v1/broken"]["status"] == 500
    [failed] = [line for line in lines if "exception" in line]
    assert (failed["level"], failed["request_id"]) == ("error", "id-of/v1/broken")
    assert "nobody thought of this" in failed["exception"]


def test_a_failure_that_nobody_expected_is_in_the_log_file(
    verbose: ServerProcess, tmp_path: Path
) -> None:
    httpx.get(f"{verbose.url}/v1/broken")
    verbose.process.terminate()
    verbose.process.wait(10)

    assert "nobody thought of this" in (tmp_path / "log").read_text()
