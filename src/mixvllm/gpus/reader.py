"""A source of readings in a process of its own, with a deadline: a broken driver hangs nobody."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from types import TracebackType

from mixvllm.gpus.child import LENGTH
from mixvllm.gpus.device import Failure, Reading

# A machine that is busy may take seconds until Python runs; that is no fault of a driver's.
STARTS_WITHIN_S = 15.0
ENDS_WITHIN_S = 0.5


class Reader:
    """Readings by a module of this package that runs as a process; it is kept for the next one."""

    def __init__(self, module: str, who: str, deadline_s: float) -> None:
        self.module = module
        self.who = who
        self.deadline_s = deadline_s
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, request: str = "") -> Reading:
        """A reading, or why there is none; the deadline runs from when the process is up."""
        waits = f"has no reader after {STARTS_WITHIN_S:g} s: this machine is very busy"
        try:
            if self.process is None:
                self.process = self._start()
                self._receive(self.process, STARTS_WITHIN_S)
            waits = f"did not answer within {self.deadline_s:g} s"
            assert self.process.stdin is not None
            self.process.stdin.write(f"{request}\n".encode())
            self.process.stdin.flush()
            reading: Reading = pickle.loads(self._receive(self.process, self.deadline_s))
        except TimeoutError:
            self._end()
            return self._failed(waits)
        except (EOFError, OSError):
            return self._failed(f"ended its reader ({self._end(ENDS_WITHIN_S)})")
        return reading

    def close(self) -> None:
        """End the process."""
        self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: a `torch` or `pynvml` that lies in the current directory is not the installed one.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", self.module, f"{self.deadline_s}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _receive(self, process: subprocess.Popen[bytes], within_s: float) -> bytes:
        assert process.stdout is not None
        data, until = b"", time.monotonic() + within_s
        while len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack_from(data)[0]:
            left = until - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise EOFError
            data += chunk
        return data[LENGTH.size :]

    def _failed(self, what: str) -> Reading:
        return Reading(failure=Failure(f"{self.who} {what}", "sudo dmesg | tail -50"))

    def _end(self, patience_s: float = 0.0) -> str:
        """End the process, and tell how it ended; one that the kernel keeps is left behind."""
        process, self.process = self.process, None
        if process is None:
            return "it could not be started"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDS_WITHIN_S)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        code = process.returncode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit {code}"
