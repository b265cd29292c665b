"""The lines of a log, whoever wrote it down: Docker, Kubernetes, journald, JSON, a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from mixvllm.errors import LogError
from mixvllm.vllm_internals.output_lines import LogLine

LONGEST_LINE = 1 << 20
BEGINNING = 1 << 16
COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
# vLLM's own prefix, behind whatever a collector writes before it; up to 0.10 without processes,
# up to 0.8 without brackets around the place in the source.
PREFIX = re.compile(
    r"(?:\((?P<process>[^()\s]+(?: [\w=.]+)*) pid=(?P<pid>\d+)[^()]*\)\s+)?(?:\[[^\]\s]+\] )?"
    r"\b(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL) \d\d-\d\d \d\d:\d\d:\d\d "
    r"(?:\[[^\]]*\]|\S+:\d+\]) ?(?P<message>.*)$"
)
PROCESS = re.compile(r"\((?P<process>[^()\s]+) pid=\d+[^()]*\) ?(?P<message>.*)$")
# Where collectors that write JSON put the line.
TEXT_KEYS = ("message", "msg", "log", "MESSAGE", "textPayload", "line")
UTF_16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
COMPRESSED = {b"\x1f\x8b": "gunzip", b"\x28\xb5": "unzstd", b"PK": "unzip", b"BZ": "bunzip2"}


def read_lines(file: BinaryIO, name: str) -> Iterator[str]:
    """The lines of a log, one after the other: a file of any size takes no memory.

    Args:
        file: The log.
        name: How the user calls it.

    Raises:
        LogError: it is empty, compressed, or no text.
    """
    beginning = file.read(BEGINNING)
    if not beginning:
        raise LogError(f"{name} is empty.", hint="Redirect the errors too: vllm serve ... &> FILE")
    for magic, command in COMPRESSED.items():
        if beginning.startswith(magic) and not beginning.isascii():
            raise LogError(f"{name} is compressed.", hint=f"Unpack it first, with {command}.")
    encoding = UTF_16.get(beginning[:2], "utf-8")
    if encoding == "utf-8" and b"\0" in beginning:
        raise LogError(f"{name} is no text, so it is no log.")
    for line in _split(file, beginning, "\n".encode(encoding)):
        yield line.decode(encoding, "replace").lstrip("\ufeff").rstrip("\r\n\0")


def _split(file: BinaryIO, rest: bytes, end: bytes) -> Iterator[bytes]:
    """Split at line ends; of a line beyond reason only the beginning is kept."""
    while chunk := file.read(LONGEST_LINE):
        *lines, rest = (rest + chunk).split(end)
        yield from lines
        if len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE]
            rest = b""
    yield from rest.split(end)


def parse_line(text: str) -> LogLine:
    """Take a line apart: colours, what collectors write, and vLLM's prefix are taken off."""
    if "\x1b" in text:
        text = COLOUR.sub("", text)
    if text.lstrip().startswith("{"):
        text = _out_of_json(text)
    text = text.rpartition("\r")[2]
    if match := PREFIX.search(text):
        return LogLine(match["message"], match["process"] or "vllm", match["level"])
    if match := PROCESS.search(text):
        return LogLine(match["message"])
    return LogLine(text)


def _out_of_json(text: str) -> str:
    try:
        entry = json.loads(text)
    except ValueError:
        return text
    if not isinstance(entry, dict):
        return text
    found = next((entry[key] for key in TEXT_KEYS if isinstance(entry.get(key), str)), "")
    # vLLM's own JSON has the level apart from the message; a collector's has vLLM's whole line.
    level = str(entry.get("levelname", ""))
    is_bare = level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    line = found.rstrip("\n")
    return f"{level} 01-01 00:00:00 [json:1] {line}" if is_bare else COLOUR.sub("", line)
