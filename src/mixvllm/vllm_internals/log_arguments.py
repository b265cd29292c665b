"""The arguments that a start-up log shows, read without ever running anything of it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

ENUM = re.compile(r"<[A-Za-z_]\w*\.\w+: ('[^']*'|\d+)>")
OBJECT = re.compile(r"<[^<>]*>")
UNREADABLE = "<unreadable>"
# What the engine says of its configuration, defaults filled in: our name and vLLM's there.
CONFIG_KEYS = {
    "model": "model",
    "revision": "revision",
    "dtype": "dtype",
    "max_seq_len": "max_model_len",
    "tensor_parallel_size": "tensor_parallel_size",
    "pipeline_parallel_size": "pipeline_parallel_size",
    "data_parallel_size": "data_parallel_size",
    "decode_context_parallel_size": "decode_context_parallel_size",
    "quantization": "quantization",
    "enforce_eager": "enforce_eager",
    "kv_cache_dtype": "kv_cache_dtype",
    "enable_prefix_caching": "enable_prefix_caching",
    "device_config": "device",
}
CONFIG_VALUE = re.compile(
    rf"(?:^|[\s,])({'|'.join(CONFIG_KEYS)})=('(?:[^'\\]|\\.)*'|[^,\s]+)(?=,|$|\s)"
)


@dataclass(frozen=True)
class LoggedArguments:
    """Arguments of one line.

    Attributes:
        values: Those that could be read, by vLLM's names.
        unread: The names of those that could not.
        is_cut: Whether the line ends before the list does.
    """

    values: dict[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    is_cut: bool = False


def read_arguments(text: str) -> LoggedArguments:
    """Read `{'model': ...}` or `Namespace(model=...)`; what is cut off is read up to there."""
    text = OBJECT.sub(repr(UNREADABLE), ENUM.sub(r"\1", text.strip()))
    pairs = _parsed(text)
    if pairs is not None:
        return _evaluated(pairs)
    ends = [at.start() for at in re.finditer(",", text)]
    closing = "}" if text.startswith("{") else ")"
    # The longest beginning that can be read; a list has at most some hundred arguments.
    for end in reversed(ends[-500:]):
        if (pairs := _parsed(text[:end] + closing)) is not None:
            read = _evaluated(pairs)
            return LoggedArguments(read.values, read.unread, is_cut=True)
    return LoggedArguments(is_cut=True)


def _parsed(text: str) -> dict[str, ast.expr] | None:
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if isinstance(tree, ast.Dict):
        named = zip(tree.keys, tree.values, strict=True)
        return {str(key.value): value for key, value in named if isinstance(key, ast.Constant)}
    if isinstance(tree, ast.Call):
        return {word.arg: word.value for word in tree.keywords if word.arg}
    return None


def _evaluated(pairs: dict[str, ast.expr]) -> LoggedArguments:
    values, unread = {}, []
    for name, node in pairs.items():
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, RecursionError):
            unread.append(name)
            continue
        if UNREADABLE in repr(value):
            unread.append(name)
        else:
            values[name] = value
    return LoggedArguments(values, tuple(unread))


def read_config(text: str) -> dict[str, Any]:
    """The values of interest in `Initializing a V1 LLM engine (...) with config: ...`."""
    found: dict[str, Any] = {}
    for name, written in CONFIG_VALUE.findall(text):
        if CONFIG_KEYS[name] not in found and written != "None":
            found[CONFIG_KEYS[name]] = _plain(written)
    if "dtype" in found:
        found["dtype"] = str(found["dtype"]).removeprefix("torch.")
    return found


def _plain(written: str) -> Any:
    try:
        return ast.literal_eval(written)
    except (ValueError, SyntaxError):
        return written
