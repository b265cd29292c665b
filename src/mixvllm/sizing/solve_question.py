"""What is looked for, held to what that needs."""

from __future__ import annotations

from mixvllm.errors import UsageError
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.unknowns import UNKNOWNS, Unknown
from mixvllm.sizing.request import Choices

NEEDS_GPU = ("gpus", "quantization", "model")
NEEDS_MEMORY = ("max-model-len", "concurrency")


def asked_unknown(text: str) -> Unknown:
    """What is looked for, by its name.

    Raises:
        UsageError: it is none of the things that can be.
    """
    for unknown in UNKNOWNS:
        if text.strip().lower().replace("_", "-") == unknown:
            return unknown
    raise UsageError(
        f"--solve: {text!r} is nothing to look for.", hint=f"Write one of {', '.join(UNKNOWNS)}."
    )


def check_question(
    unknown: Unknown, request: EstimateRequest, choices: Choices, *, names_model: bool
) -> None:
    """Hold the question to what it needs, and to what it looks for itself.

    Raises:
        UsageError: says what to add or to leave out.
    """
    has_memory = request.gpu is not None or request.kv_cache_memory_bytes is not None
    if unknown in NEEDS_GPU and request.gpu is None:
        raise UsageError(f"--solve {unknown} needs a GPU.", hint="Add --gpu NAME (H100, 24GiB).")
    if unknown in NEEDS_MEMORY and not has_memory:
        raise UsageError(
            f"--solve {unknown} needs to know the memory.",
            hint="Add --gpu NAME (H100, 24GiB) or --kv-cache-memory SIZE.",
        )
    taken = {
        "gpu": choices.gpu and "--gpu",
        "concurrency": choices.concurrency and "--concurrency",
        "model": names_model and "MODEL",
    }
    if option := taken.get(unknown):
        raise UsageError(f"--solve {unknown} looks for it: leave {option} out.")
