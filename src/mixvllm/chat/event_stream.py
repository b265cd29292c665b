"""Server-sent events out of bytes, however they were cut, spaced and commented.

The format is that of https://html.spec.whatwg.org/multipage/server-sent-events.html. Beyond it,
an event that the end of the stream interrupts before its blank line counts: some servers send none.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

LINE_END = re.compile(r"\r\n|\n|\r")


class EventReader:
    """Takes a stream's bytes and gives the data of its events."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._text = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[str]:
        """The data of the events that are whole now; those without data are left out."""
        self._text += self._decoder.decode(piece)
        yield from self._lines()

    def end(self) -> Iterator[str]:
        """What the last bytes hold, where they end without a blank line."""
        self._text += self._decoder.decode(b"", final=True) + "\n\n"
        yield from self._lines()

    def _lines(self) -> Iterator[str]:
        begin = 0
        for end in LINE_END.finditer(self._text):
            # The line feed of a CRLF may come with the next bytes.
            if end[0] == "\r" and end.end() == len(self._text):
                break
            line, begin = self._text[begin : end.start()], end.end()
            if event := self._take(line):
                yield event
        self._text = self._text[begin:]

    def _take(self, line: str) -> str | None:
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                self._data.append(value.removeprefix(" "))
            return None
        event, self._data = "\n".join(self._data), []
        return event or None
