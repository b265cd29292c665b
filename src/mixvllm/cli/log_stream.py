"""A stream whose lines come out as JSON documents, for `server.log_format: json`."""

from __future__ import annotations

import io
import re
from typing import IO

from mixvllm.server.logs import is_document, json_line

LEVELS = {"warning": "warning", "error": "error", "note": "info"}
SPOKEN = re.compile(r"(?P<sign>warning|error|note): (?P<message>.*)")


class JsonLines(io.StringIO):
    """Stands before a stream: each line that is written becomes a document there."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream
        self._rest = ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Take text; what is not a whole line yet waits for its end."""
        *lines, self._rest = (self._rest + text).split("\n")
        documents = [_document(line) for line in lines if line.strip()]
        if documents:
            self._stream.write("".join(f"{document}\n" for document in documents))
        return len(text)

    def flush(self) -> None:
        """Have what is whole written out."""
        if not self._stream.closed:
            self._stream.flush()


def _document(line: str) -> str:
    if is_document(line):
        return line
    if spoken := SPOKEN.fullmatch(line):
        return json_line(LEVELS[spoken["sign"]], "mixvllm", spoken["message"])
    return json_line("info", "mixvllm", line.strip())
