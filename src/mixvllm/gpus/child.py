"""The inside of a reader's process: a line in, a reading out, until nobody asks any more."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from typing import IO

from mixvllm.gpus.device import Reading

LENGTH = struct.Struct("!Q")


def answer_requests(read: Callable[[str], Reading], limit_s: float) -> None:
    """Answer each line on stdin with what `read` makes of it; end as soon as stdin is closed.

    The first answer is to nobody and empty: what comes before it is Python's time, not a driver's.
    Whatever the libraries print goes nowhere: stdout is for the answers alone. A reading that
    takes longer than the limit ends the process, for nobody may be left to do so.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _answer(answers, b"")
    for line in sys.stdin:
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        data = pickle.dumps(read(line.strip()))
        signal.setitimer(signal.ITIMER_REAL, 0)
        _answer(answers, data)
    # A thread that waits for the driver, or a library's own way out, must not keep us.
    os._exit(0)


def _answer(answers: IO[bytes], data: bytes) -> None:
    answers.write(LENGTH.pack(len(data)) + data)
    answers.flush()
