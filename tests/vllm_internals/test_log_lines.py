"""The lines of a log, whoever wrote it down."""

import io
import json

import pytest

from mixvllm.errors import LogError
from mixvllm.vllm_internals.log_lines import LONGEST_LINE, parse_line, read_lines

MESSAGE = "Available KV cache memory: 6.87 GiB"
LINE = f"(Worker_TP0 pid=447) INFO 08-14 14:07:22 [gpu_worker.py:563] {MESSAGE}"


@pytest.mark.parametrize(
    "written",
    [
        LINE,
        f"INFO 08-14 14:07:22 [gpu_worker.py:563] {MESSAGE}",
        f"INFO 08-14 14:07:22 gpu_worker.py:563] {MESSAGE}",
        f"llm-1  | {LINE}",
        f"> llm-1   | {LINE}",
        f"2026-08-14T14:07:22.123456789Z stderr F {LINE}",
        f"Aug 18 14:14:59 host python3[28145]: {LINE}",
        f"[pod/llm-0/vllm] {LINE}",
        f"(EngineCore_DP0 pid=181642) [Stage-0] INFO 02-02 18:25:03 [gpu_worker.py:358] {MESSAGE}",
        f"(RayWorkerWrapper pid=12, ip=10.0.0.2) INFO 02-02 18:25:03 [gpu_worker.py:3] {MESSAGE}",
        f"\x1b[36m(Worker pid=447)\x1b[0;0m \x1b[32mINFO\x1b[0m 08-14 14:07:22 [a:5] {MESSAGE}",
        json.dumps({"log": LINE + "\n", "stream": "stderr"}),
        json.dumps({"MESSAGE": LINE, "PRIORITY": "6"}),
        json.dumps({"asctime": "x", "levelname": "INFO", "name": "vllm", "message": MESSAGE}),
        f"Loading safetensors checkpoint shards: 50%\r{LINE}",
    ],
)
def test_every_writing_of_a_line_gives_its_message(written: str) -> None:
    line = parse_line(written)

    assert line.message == MESSAGE
    assert line.level == "INFO"
    assert line.process


def test_a_line_without_a_prefix_stays_as_it_is() -> None:
    assert parse_line(MESSAGE).message == MESSAGE
    assert parse_line(MESSAGE).process is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_the_encodings_of_a_redirected_output_are_read(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    file = io.BytesIO(f"{mark}one ▄\r\ntwo\r\n".encode(encoding))

    assert list(read_lines(file, "x"))[:2] == ["one ▄", "two"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x7fELF\x02\x01\0\0", "no text"),
        (b"\x1f\x8b\x08\x00\xff", "compressed"),
        (b"\x00" * 100, "no text"),
    ],
)
def test_what_is_no_text_is_named(content: bytes, said: str) -> None:
    with pytest.raises(LogError, match=said) as caught:
        list(read_lines(io.BytesIO(content), "start.log"))

    assert caught.value.message.startswith("start.log ")


def test_a_line_without_end_takes_no_memory() -> None:
    file = io.BytesIO(b"x" * (5 * LONGEST_LINE) + b"\nlast")
    lines = list(read_lines(file, "x"))

    assert lines[-1] == "last"
    assert max(map(len, lines)) <= 2 * LONGEST_LINE
