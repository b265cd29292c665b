"""A line for a shell that starts vLLM, taken apart: its flags, its variables, what is around it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from mixvllm.errors import UsageError

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
OPERATOR = re.compile(r"(&&|\|\||[;|&]|[0-9&]?>.*|<.*)$")
MODULES = ("vllm.entrypoints.openai.api_server", "vllm.entrypoints.cli.main")
SCRIPT = "vllm/entrypoints/openai/api_server.py"
PYTHON = re.compile(r"(.*/)?python[0-9.]*")
# Words before a command that change nothing about it.
SILENT = frozenset({"env", "export", "exec", "&&", ";"})

CONTAINER_TOOLS = frozenset({"docker", "podman", "nerdctl"})
# Every other option of `docker run` takes a value.
CONTAINER_SWITCHES = re.compile(
    "--(detach|disable-content-trust|init|interactive|no-healthcheck|oom-kill-disable|privileged"
    "|publish-all|quiet|read-only|rm|sig-proxy|tty|use-api-socket)|-[diPqt]+"
)
CONTAINER_VARIABLES = ("-e", "--env")

EXAMPLE = '`--from "vllm serve microsoft/Phi-3-mini-4k-instruct --max-model-len 4096"`'


@dataclass(frozen=True)
class ShellCommand:
    """A command that starts vLLM.

    Attributes:
        words: What vLLM's own command line gets, the model included.
        variables: The variables that were set for it, with their values.
        around: What else stood on the line, such as the options of `docker run`.
    """

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()
    around: str = ""


def read_shell_command(text: str) -> ShellCommand:
    """Take a line apart.

    `vllm serve ...`, `python -m vllm.entrypoints.openai.api_server ...`, `docker run ... IMAGE
    ...` and flags alone are read; variables may be set in front.

    Raises:
        UsageError: the line cannot be read, or starts something else.
    """
    joined = re.sub(r"\\[ \t]*\r?\n", " ", text).strip().removeprefix("$ ")
    try:
        words = shlex.split(joined)
    except ValueError as error:
        message = f"The command of --from cannot be read: {error}."
        raise UsageError(message, hint="Check its quotes.") from None
    if not words:
        raise UsageError("The command of --from is empty.", hint=f"Example: {EXAMPLE}")
    container = _container(words)
    if container:
        return container
    start = _start(words)
    if start is None:
        message = "The command of --from does not start vLLM."
        raise UsageError(message, hint=f"Example: {EXAMPLE}")
    ours, behind = _cut(words[start:])
    variables, before = _variables(words[:start])
    launcher = _launcher_length(before)
    return ShellCommand(
        tuple(ours), variables, _written([*before[: len(before) - launcher], *behind])
    )


def _start(words: Sequence[str]) -> int | None:
    """Where the words for vLLM's command line begin, behind what starts it."""
    if words[0].startswith("-"):
        return 0
    for i, word in enumerate(words):
        following = words[i + 1] if i + 1 < len(words) else None
        if word.endswith(SCRIPT):
            return i + 1
        if word == "-m" and following in MODULES:
            serve = following == MODULES[1] and words[i + 2 : i + 3] == ["serve"]
            return i + 3 if serve else i + 2
        if word.rpartition("/")[2] == "vllm" and following == "serve":
            return i + 2
    return None


def _launcher_length(before: Sequence[str]) -> int:
    """How many of the words at the end are `vllm serve` or `python -m ...` itself."""
    start = len(before)
    for i in range(len(before) - 1, -1, -1):
        if PYTHON.fullmatch(before[i]) or before[i].rpartition("/")[2] == "vllm":
            start = i
            break
    return len(before) - start


def _cut(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divide before the first `>`, `|`, `&&`, ...: the rest is the shell's."""
    for i, word in enumerate(words):
        if OPERATOR.fullmatch(word):
            return list(words[:i]), list(words[i:])
    return list(words), []


def _variables(words: Sequence[str]) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    variables = []
    rest = []
    for word in words:
        if ASSIGNMENT.fullmatch(word):
            variables.append(_pair(word.removesuffix(";")))
        elif word not in SILENT:
            rest.append(word)
    return tuple(variables), rest


def _pair(assignment: str) -> tuple[str, str]:
    name, _, value = assignment.partition("=")
    return name, value


def _written(words: Sequence[str]) -> str:
    """Words as a shell line has them; its operators stay bare."""
    return " ".join(word if OPERATOR.fullmatch(word) else shlex.quote(word) for word in words)


def _container(words: Sequence[str]) -> ShellCommand | None:
    """`docker run OPTIONS IMAGE WORDS`: everything behind the image is vLLM's."""
    tool = next((i for i, word in enumerate(words) if word in CONTAINER_TOOLS), None)
    if tool is None or "run" not in words[tool:]:
        return None
    position = words.index("run", tool) + 1
    variables, around = _variables(words[:position])
    given = list(variables)
    while position < len(words) and words[position].startswith("-"):
        name, value, taken = _container_option(words, position)
        if name in CONTAINER_VARIABLES and value is not None:
            given.append(_pair(value))
        else:
            around.extend(words[position : position + taken])
        position += taken
    image = words[position : position + 1]
    ours, behind = _cut(words[position + 1 :])
    start = (_start(ours) or 0) if ours else 0
    start = 1 if ours[:1] == ["serve"] else start
    return ShellCommand(tuple(ours[start:]), tuple(given), _written([*around, *image, *behind]))


def _container_option(words: Sequence[str], position: int) -> tuple[str, str | None, int]:
    """An option of `docker run`: its name, its value, how many words it took."""
    word = words[position]
    name, equals, value = word.partition("=")
    if word.startswith("--") and equals:
        return name, value, 1
    if CONTAINER_SWITCHES.fullmatch(word):
        return word, None, 1
    if len(word) > 2 and not word.startswith("--"):
        return word[:2], word[2:], 1
    return word, next(iter(words[position + 1 : position + 2]), None), 2
