"""The one place that speaks: answers on stdout, words on stderr, JSON undecorated."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from mixvllm.render.hanging import Hanging
from mixvllm.render.theme import ERROR, NOTE, WARNING

WIDTH_OF_FILES = 500
WIDTH_OF_PICTURES = 100
HINT_INDENT = "  "


def is_dumb(stream: TextIO) -> bool:
    """Whether the stream is no terminal that redraws: a pipe, a file, `TERM=dumb`."""
    return not stream.isatty() or os.environ.get("TERM") in ("dumb", "unknown")


def _width(stream: IO[str]) -> int | None:
    """Rows in a pipe or a file stay on one line, for `grep` and `awk`; None is the terminal's."""
    return None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_OF_FILES


def print_flowing(console: Console, shown: RenderableType) -> None:
    """Print text: broken between words in a terminal, and nowhere in a pipe or a file."""
    console.print(shown, soft_wrap=not console.file.isatty())


def _words_console(stream: IO[str]) -> Console:
    return Console(file=stream, highlight=False, emoji=False)


def _log_console(stream: IO[str]) -> Console:
    from mixvllm.cli.log_stream import JsonLines

    lines = JsonLines(stream)
    return Console(file=lines, width=WIDTH_OF_FILES, no_color=True, highlight=False, emoji=False)


@dataclass
class Output:
    """Consoles and modes of one command.

    Attributes:
        out: Where answers go.
        err: Where words, progress and warnings go.
        as_json: Whether the command's answer is one JSON document.
        debug: Whether a traceback is shown.
        picture: Where the answer is drawn, too; None where it is not.
        logs_json: Whether words are log lines, one JSON document each.
    """

    out: Console
    err: Console
    as_json: bool = False
    debug: bool = False
    picture: Path | None = None
    logs_json: bool = False

    @classmethod
    def of_process(cls, *, as_json: bool = False, debug: bool = False) -> Output:
        """An output on this process's stdout and stderr."""
        return cls(
            out=Console(file=sys.stdout, width=_width(sys.stdout), highlight=False, emoji=False),
            err=_words_console(sys.stderr),
            as_json=as_json,
            debug=debug,
        )

    def on(self, out: TextIO, err: TextIO) -> Output:
        """The same output on other streams."""
        return replace(
            self,
            out=Console(file=out, width=_width(out), highlight=False, emoji=False),
            err=_log_console(err) if self.logs_json else _words_console(err),
        )

    def log_json(self) -> None:
        """Speak in log lines from now on, one JSON document each."""
        self.logs_json = True
        self.err = _log_console(self.err.file)

    def answer(self, renderable: RenderableType, data: Any) -> None:
        """Print the answer: the renderable for people, the data under `--json`.

        Raises:
            MixvllmError: a picture of it is asked for and cannot be written.
        """
        if self.picture is not None:
            from mixvllm.cli.picture import write_picture

            # First, so that a failure is not the second document of `--json`.
            width = self.out.width if _width(self.out.file) is None else WIDTH_OF_PICTURES
            write_picture(self.picture, renderable, width)
        if self.as_json:
            self.json(data)
        else:
            # Whoever lets a path go beyond the width wants it whole.
            self.out.print(renderable, crop=False)

    def json(self, data: Any) -> None:
        """Write one JSON document to stdout."""
        is_unicode = self.out.encoding.startswith("utf")
        self.text(json.dumps(data, indent=2, ensure_ascii=not is_unicode))

    def text(self, text: str) -> None:
        """Write text to stdout as it is: no colour, no wrapping."""
        self.out.file.write(text if text.endswith("\n") else f"{text}\n")
        self.out.file.flush()

    def say(self, message: RenderableType) -> None:
        """Tell the user something that is not the answer."""
        self.err.print(message)

    def warn(self, message: str) -> None:
        """Warn in one line."""
        self._labelled("warning", WARNING, message)

    def note(self, message: str) -> None:
        """Add a remark in one line."""
        self._labelled("note", NOTE, message)

    def _labelled(self, label: str, style: str, message: str) -> None:
        print_flowing(self.err, Text.assemble((f"{label}:", style), f" {message}"))

    def hint(self, message: str) -> None:
        """Say what to do, below what is wrong."""
        print_flowing(self.err, Hanging(Text(HINT_INDENT + message)))

    def fail(
        self,
        message: str,
        hint: str | None = None,
        problems: Sequence[Mapping[str, Any]] = (),
        shown: RenderableType | None = None,
        code: str | None = None,
    ) -> None:
        """Say what went wrong: `shown` (the problems, drawn), the message and the way out last."""
        if self.as_json:
            error = {"message": message, "hint": hint, "code": code, "problems": list(problems)}
            self.json({"error": error})
            return
        if shown is not None:
            print_flowing(self.err, shown)
        self._labelled("error", ERROR, message)
        if hint:
            self.hint(hint)
