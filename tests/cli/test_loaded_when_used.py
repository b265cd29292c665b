import subprocess
import sys

BEGIN = """
import sys
from mixvllm.cli.loaded_when_used import load_when_used
load_when_used("asyncio")
import asyncio
assert "asyncio.base_events" not in sys.modules
"""


def output_of(program: str) -> str:
    command = [sys.executable, "-c", BEGIN + program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_module_is_loaded_at_its_first_use_and_is_whole_then() -> None:
    program = """
async def answer():
    await asyncio.sleep(0)
    return 42
print(asyncio.run(answer()), sys.modules["asyncio"].__file__ == asyncio.__file__)
"""
    assert output_of(program) == "42 True"


def test_what_another_module_imports_from_it_is_the_same() -> None:
    program = """
from asyncio import Event, subprocess
import asyncio.queues
print(Event is asyncio.Event, subprocess is asyncio.subprocess)
print(asyncio.queues.Queue is asyncio.Queue)
"""
    assert output_of(program) == "True True\nTrue"


def test_what_it_does_not_have_is_an_attribute_error() -> None:
    assert output_of("print(hasattr(asyncio, 'no_such_thing'))") == "False"
