"""vLLM's planner in a process of its own, asked one question after the other."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from mixvllm.errors import EstimateError

COMMAND = (sys.executable, "-m", "mixvllm.vllm_internals.planner")
# The largest models take half a minute, on a busy machine a few times that.
DEADLINE_S = 600.0
# How often the user hears that it still works.
HEARTBEAT_S = 10.0
# Two lines on most terminals.
LONGEST_WORDS = 300
LARGEST_CHUNK = 1 << 16

OnProgress = Callable[[str], None]


@contextmanager
def planner_process(
    on_progress: OnProgress,
    environ: Mapping[str, str],
    *,
    command: Sequence[str] = COMMAND,
    deadline_s: float = DEADLINE_S,
) -> Iterator[PlannerProcess]:
    """Start the planner, and end it with all that it started.

    Args:
        on_progress: Takes words about what goes on.
        environ: Its environment.
        command: How it is started.
        deadline_s: How long an answer may take.
    """
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            env=dict(environ),
            # A session of its own: what it starts ends with it, and Ctrl-C is ours to handle.
            start_new_session=True,
        ) as process,
    ):
        try:
            yield PlannerProcess(process, words, on_progress, deadline_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(BrokenPipeError):
                process.communicate()


class PlannerProcess:
    """The running process; `planner_process` starts and ends it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        words: IO[bytes],
        on_progress: OnProgress,
        deadline_s: float,
    ) -> None:
        self._process = process
        self._words = words
        self._on_progress = on_progress
        self._deadline_s = deadline_s
        self._unread = b""

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer to one question.

        Raises:
            EstimateError: vLLM refuses the model, or the process died or did not answer in time.
        """
        assert self._process.stdin is not None
        # A process that has died says why below.
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        if (refused := answer.get("error")) is not None:
            raise EstimateError(f"vLLM cannot plan this model here: {shortened(refused)}")
        return answer

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        start = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                left = start + self._deadline_s - time.monotonic()
                if left <= 0:
                    raise self._late()
                if not selector.select(min(left, HEARTBEAT_S)):
                    self._on_progress(f"still at it after {time.monotonic() - start:.0f} s")
                    continue
                chunk = os.read(self._process.stdout.fileno(), LARGEST_CHUNK)
                if not chunk:
                    raise self._dead()
                self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _late(self) -> EstimateError:
        return EstimateError(
            f"vLLM's planner gave no answer within {self._deadline_s:.0f} s. "
            f"The last that it said: {self._last_words()}",
            hint="Without --exact the built-in rules answer at once.",
        )

    def _dead(self) -> EstimateError:
        code = self._process.wait()
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return EstimateError(
            f"The process of vLLM's planner {ended}. The last that it said: {self._last_words()}",
            hint="Without --exact the built-in rules answer. Signal 9 often means that the "
            "machine's memory ran out."
            if code == -signal.SIGKILL
            else "Without --exact the built-in rules answer; `mixvllm doctor` checks vLLM.",
        )

    def _last_words(self) -> str:
        """The last line that it wrote to stderr."""
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return shortened(lines[-1].strip()) if lines else "nothing."


def shortened(words: str) -> str:
    """Words on one line, as many as a terminal shows at a glance."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_WORDS else f"{line[:LONGEST_WORDS]} ..."
