"""The planner's process, whatever becomes of it: real processes in its place."""

from __future__ import annotations

import os
import re
import sys

import pytest

from mixvllm.errors import EstimateError
from mixvllm.vllm_internals.planner_process import planner_process, shortened

QUESTION = {"survey": True}


def ask(code: str, *, deadline_s: float = 60) -> dict[str, object]:
    command = (sys.executable, "-c", code)
    with planner_process(print, os.environ, command=command, deadline_s=deadline_s) as planner:
        return planner.ask(QUESTION)


def test_an_answer_is_read_however_it_is_cut() -> None:
    code = (
        "import sys,time; w=sys.stdout\nfor part in ('{\"a\":', ' 1}\\n'): w.write(part); w.flush()"
    )
    assert ask(code) == {"a": 1}


def test_what_vllm_refuses_is_said_in_its_words() -> None:
    with pytest.raises(EstimateError, match="cannot plan this model here: ValueError: no heads"):
        ask('print(\'{"error": "ValueError: no heads"}\')')


def test_a_process_that_ends_leaves_its_code_and_last_words() -> None:
    words = re.escape("ended with exit code 3. The last that it said: no memory")
    with pytest.raises(EstimateError, match=words):
        ask("import sys; print('no memory', file=sys.stderr); sys.exit(3)")


def test_a_killed_process_is_named_as_such() -> None:
    with pytest.raises(EstimateError, match="killed by signal 9") as caught:
        ask("import os; os.kill(os.getpid(), 9)")
    assert "memory ran out" in str(caught.value.hint)


def test_a_process_that_hangs_is_given_up_and_ended() -> None:
    with pytest.raises(EstimateError, match="no answer within 0 s"):
        ask("import time; time.sleep(600)", deadline_s=0.3)


def test_long_words_are_cut_and_lines_joined() -> None:
    assert shortened("a\n  b") == "a b"
    assert len(shortened("word " * 200)) < 310
