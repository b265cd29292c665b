"""What a start-up log of vLLM tells: version, arguments, every measured term, and a failure.

Templates of 0.32 are from its source; those of older releases (to 0.6) from public logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mixvllm.vllm_internals.failure_cause import FailureCause
from mixvllm.vllm_internals.log_arguments import LoggedArguments, read_arguments, read_config
from mixvllm.vllm_internals.log_lines import parse_line

# No figure of a start has more digits than that.
NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?")
GIB = r"(-?\d+(?:\.\d+)?) ?Gi?B"
# Of several workers the most loaded one decides: it has the most of these, and the least of
# `available_gib`.
LARGEST = (
    "weights_gib",
    "activation_gib",
    "other_gib",
    "consumed_gib",
    "graphs_estimate_gib",
    "graphs_gib",
)
SMALLEST = ("available_gib", "tokens", "max_concurrency")
# Each template names what its groups measure.
MEASURED: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), names)
    for pattern, names in (
        (rf"Model loading took {GIB}", ("weights_gib",)),
        (rf"Loading model weights took {GIB}", ("weights_gib",)),
        (rf"Available KV cache memory: {GIB}", ("available_gib",)),
        (rf"reserved {GIB} memory for KV Cache as specified", ("available_gib",)),
        (
            r"(?:Explicitly|Auto) set \((-?[\d.]+)/[\d.]+\) GiB for KV cache",
            ("available_gib",),
        ),
        (r"KV cache size: ([\d,]+) tokens", ("tokens",)),
        (
            r"Maximum concurrency for ([\d,]+) tokens per request: ([\d.]+)x",
            ("max_model_len", "max_concurrency"),
        ),
        (r"Using max model len (\d+)", ("max_model_len",)),
        (r"enabled with max_num_batched_tokens=(\d+)", ("max_num_batched_tokens",)),
        (rf"Estimated CUDA graph memory: {GIB}", ("graphs_estimate_gib",)),
        (rf"Graph capturing finished in \d+ secs?, took {GIB}", ("graphs_gib",)),
        (r"current --gpu-memory-utilization=([\d.]+)", ("gpu_memory_utilization",)),
        (
            r"Free memory on device(?: [\w:]+)? \(([\d.]+)/([\d.]+) GiB\) on startup",
            ("free_gib", "total_gib"),
        ),
        (
            r"[Dd]esired GPU memory utilization (?:is )?\(([\d.]+), ([\d.]+) GiB\)",
            ("gpu_memory_utilization", "requested_gib"),
        ),
        (
            rf"Actual usage is {GIB} for consumed memory \([^)]*\), {GIB} for peak activation",
            ("consumed_gib", "activation_gib"),
        ),
        (
            rf"Actual usage is {GIB} for weight, {GIB} for peak activation, {GIB} for non-torch",
            ("weights_gib", "activation_gib", "other_gib"),
        ),
        (
            rf"total_gpu_memory \({GIB}\) x gpu_memory_utilization \(([\d.]+)\) = {GIB}",
            ("total_gib", "gpu_memory_utilization", "requested_gib"),
        ),
        (
            rf"model weights take {GIB}; non_torch_memory takes {GIB}; PyTorch activation peak "
            rf"memory takes {GIB}; the rest of the memory reserved for KV Cache is {GIB}",
            ("weights_gib", "other_gib", "activation_gib", "available_gib"),
        ),
        (r"# (?:GPU|cuda|rocm) blocks: (\d+)", ("num_blocks",)),
        (
            r"To serve at least one request with the models?'?s max seq len \((\d+)\), "
            rf"\({GIB} KV cache is needed, which is larger than the available KV cache memory "
            rf"\({GIB}\)",
            ("max_model_len", "needed_gib", "available_gib"),
        ),
        (r"estimated maximum model length is (\d+)", ("estimated_max_model_len",)),
    )
)
VERSION = re.compile(
    r"vLLM API server version v?(\d\S*)|LLM engine \(v?(\d[^)\s]*)\)|█ +version (\d\S*)"
)
ARGUMENTS = re.compile(r"(?:non-default args|^args): (.*)$")
CONFIG = re.compile(r"Initializing an? (?:V1 )?LLM engine \(.*?\) with config: (.*)$")
ARCHITECTURE = re.compile(r"Resolved architecture: (\S+)")
# Nothing else in a log names the GPU: the file of tuned kernels for its experts, or for fp8.
DEVICE = re.compile(r"device_name=([A-Za-z0-9][\w-]*)")
# How vLLM refuses a start for want of memory, whatever the collector made of the traceback.
REFUSAL = re.compile(
    r"No available memory for the cache blocks|To serve at least one request with the model"
    r"|is less than desired GPU memory utilization|out of memory\. Tried to allocate"
    r"|is larger than the maximum number of tokens that can be stored in KV cache"
)
ENDED_WELL = re.compile(r"^init engine \(|Application startup complete")
START = re.compile(r"vLLM API server version|█ +version \d")
LATER_SIGNS = (VERSION, ARCHITECTURE)
# A cheap look before the templates: one of these stands in every line that says something, and
# of a server that is up only those matter with which another start begins.
START_WORDS = ("LLM engine (", "vLLM API server", "Resolved architecture", "█")
WORDS = (
    *START_WORDS,
    *("GiB", "GB", "tokens", "max model len", "gpu-memory-utilization", "blocks: ", "args: "),
    *("device_name=", "init engine", "startup complete", "model length is", "Error", "Traceback"),
)


@dataclass(frozen=True)
class StartupLog:
    """One start.

    Attributes:
        version: The release of vLLM.
        architecture: The class of the model.
        gpu_name: The GPU, in the few logs that name it.
        arguments: What it was started with, where the log shows it.
        config: What the engine says of its configuration.
        measured: Every figure, by the names in `MEASURED`; the most loaded worker's.
        failure: Why it failed.
        is_complete: Whether it came through.
    """

    version: str | None = None
    architecture: str | None = None
    gpu_name: str | None = None
    arguments: LoggedArguments | None = None
    config: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    is_complete: bool = False

    @property
    def has_engine(self) -> bool:
        """Whether this start came as far as memory."""
        return bool(self.measured.keys() - {"max_model_len", "max_num_batched_tokens"})

    @property
    def says_something(self) -> bool:
        """Whether anything in it is vLLM's."""
        return bool(self.version or self.arguments or self.config or self.measured)

    def told(self, name: str) -> Any:
        """What the log says of a setting: a line of its own, the engine's word, the arguments."""
        if name in self.measured:
            value = self.measured[name]
            return int(value) if value.is_integer() and name != "gpu_memory_utilization" else value
        if name in self.config:
            return self.config[name]
        return self.arguments.values.get(name) if self.arguments else None


class StartupReader:
    """Reads a log line by line; of several starts the last one counts.

    Attributes:
        log: The last start so far.
        starts: How many there were.
    """

    def __init__(self) -> None:
        self.log = StartupLog()
        self.starts = 0
        self._failure = FailureCause()

    def read(self, text: str) -> None:
        """Take one line, as it stands in the log."""
        words = START_WORDS if self.log.is_complete else WORDS
        if not self._failure.is_in_traceback and not any(word in text for word in words):
            return
        line = parse_line(text)
        self._begin(line.message)
        if not self.log.is_complete:
            self._failure.read(line)
            refused = line.message if REFUSAL.search(line.message) else None
            cause = self._failure.cause
            failure = (cause and cause.text) or self.log.failure or refused
            self.log = replace(_with(self.log, line.message), failure=failure)

    def _begin(self, message: str) -> None:
        """See whether another start begins here."""
        is_new = self.log.says_something and bool(START.search(message))
        ended = self.log.has_engine or self.log.failure or self.log.is_complete
        if is_new or (ended and any(sign.search(message) for sign in LATER_SIGNS)):
            self.log, self._failure = StartupLog(), FailureCause()
            self.starts += 1
        elif not self.starts and self.log.says_something:
            self.starts = 1


def read_log(lines: Iterable[str]) -> StartupReader:
    """Read a whole log."""
    reader = StartupReader()
    for line in lines:
        reader.read(line)
    reader.starts = max(reader.starts, int(reader.log.says_something))
    return reader


def _with(log: StartupLog, message: str) -> StartupLog:
    """The log with what one message says."""
    said: dict[str, Any] = {}
    if match := VERSION.search(message):
        said["version"] = match[1] or match[2] or match[3]
    if match := ARGUMENTS.search(message):
        said["arguments"] = read_arguments(match[1])
    if match := CONFIG.search(message):
        return replace(log, **said, config=read_config(match[1]))
    if (match := ARCHITECTURE.search(message)) and log.architecture is None:
        said["architecture"] = match[1]
    if match := DEVICE.search(message):
        said["gpu_name"] = match[1].removesuffix(".json")
    if ENDED_WELL.search(message):
        said["is_complete"] = True
    return replace(log, **said, measured=_figures(message, log.measured))


def _figures(message: str, before: Mapping[str, float]) -> dict[str, float]:
    """The figures so far, with what one message measures."""
    figures = dict(before)
    for pattern, names in MEASURED:
        if match := pattern.search(message):
            for name, written in zip(names, match.groups(), strict=True):
                if NUMBER.fullmatch(number := written.replace(",", "")):
                    figures[name] = _most_loaded(name, float(number), figures.get(name))
    return figures


def _most_loaded(name: str, value: float, before: float | None) -> float:
    """The figure that decides, of several workers: the most loaded one's."""
    if before is None:
        return value
    if name in LARGEST:
        return max(before, value)
    return min(before, value) if name in SMALLEST else value
