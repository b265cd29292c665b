"""What the lines that vLLM prints while it starts say about how far it is.

Templates of 0.32, seen; those of GPUs and of 0.33 are read from the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Stage = Literal["downloading", "loading", "compiling", "warming"]

PREFIX = re.compile(
    r"^\((?P<process>\S+) pid=(?P<pid>\d+)\) (?P<level>[A-Z]+) \d\d-\d\d \d\d:\d\d:\d\d "
    r"\[[^\]]*\] ?(?P<message>.*)$"
)


@dataclass(frozen=True)
class LogLine:
    """One line of vLLM's own log, taken apart; lines of other origin have no process."""

    message: str
    process: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class Sign:
    """How far the start is."""

    stage: Stage
    detail: str
    fraction: float | None = None


@dataclass(frozen=True)
class _Template:
    pattern: re.Pattern[str]
    stage: Stage
    detail: str


def _template(pattern: str, stage: Stage, detail: str) -> _Template:
    return _Template(re.compile(pattern), stage, detail)


TEMPLATES = (
    _template(r"^Resolved architecture: (?P<name>\S+)", "loading", "architecture {name}"),
    _template(r"^Initializing a V1 LLM engine", "loading", "engine process is up"),
    _template(r"^world_size=\d+ rank=0 ", "loading", "workers are up"),
    _template(r"^Starting to load model ", "loading", "building the model"),
    _template(r"Checkpoint size: (?P<size>[\d.]+ GiB)", "loading", "reading {size} of weights"),
    _template(
        r"^Loading [\w-]+(?: \w+)* checkpoint shards: +(?P<percent>\d+)% Completed \| "
        r"(?P<done>\d+)/(?P<total>\d+)",
        "loading",
        "weights, file {done} of {total}",
    ),
    _template(r"^Loading weights took (?P<time>[\d.]+) s", "loading", "weights read in {time} s"),
    _template(r"^Using cache directory: .* for vLLM's torch.compile", "compiling", "torch.compile"),
    _template(r"Dynamo bytecode transform time", "compiling", "torch.compile, bytecode done"),
    _template(r"^(Compiling|Cache the) (a )?graph", "compiling", "torch.compile, graphs"),
    _template(r"Compiling a graph for compile range (?P<range>.+?) takes", "compiling", "{range}"),
    _template(r"[Dd]irectly load (the compiled graph|AOT)", "compiling", "compiled graphs found"),
    _template(
        r"torch\.compile (took|takes) (?P<time>[\d.]+) s in total", "compiling", "took {time} s"
    ),
    _template(r"^Warming up model for the compilation", "compiling", "torch.compile"),
    _template(r"^Profiling CUDA graph memory", "warming", "measuring memory"),
    _template(r"^Available KV cache memory: (?P<size>\S+ GiB)", "warming", "{size} for KV cache"),
    _template(
        r"KV cache size: (?P<tokens>[\d,]+) tokens", "warming", "KV cache for {tokens} tokens"
    ),
    _template(
        r"^Capturing CUDA graphs[^:]*: +(?P<percent>\d+)%\|[^|]*\| (?P<done>\d+)/(?P<total>\d+)",
        "warming",
        "CUDA graph {done} of {total}",
    ),
    _template(r"^Graph capturing finished", "warming", "CUDA graphs captured"),
    _template(r"DeepGEMM warmup|^Compiling CuTeDSL kernels", "warming", "kernels"),
    _template(r"^init engine \(", "warming", "engine is up"),
)


def parse(line: str) -> LogLine:
    """Take vLLM's prefix off a line."""
    match = PREFIX.match(line)
    if match is None:
        return LogLine(line)
    return LogLine(match["message"], process=match["process"], level=match["level"])


def read_sign(message: str) -> Sign | None:
    """What a message says about how far the start is, if it says anything."""
    for template in TEMPLATES:
        if match := template.pattern.search(message):
            found = match.groupdict()
            percent = found.get("percent")
            fraction = int(percent) / 100 if percent else None
            return Sign(template.stage, template.detail.format(**found), fraction)
    return None
