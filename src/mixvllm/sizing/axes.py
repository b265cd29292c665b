"""What `estimate-kv` is asked to put side by side: models, GPUs and releases of vLLM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixvllm.errors import UsageError
from mixvllm.memory.gpu_table import label_of
from mixvllm.sizing.request import named_gpu


@dataclass(frozen=True)
class Axes:
    """What is varied, one entry where it is not; GPUs in one spelling, the rest as written."""

    models: tuple[str, ...]
    gpus: tuple[str | None, ...]
    versions: tuple[str | None, ...]

    @property
    def count(self) -> int:
        """How many estimates that makes."""
        return len(self.models) * len(self.gpus) * len(self.versions)


def asked_axes(
    models: Sequence[str], *, gpu: str | None, compared: str | None, versions: str | None
) -> Axes:
    """The axes that the options span.

    Raises:
        UsageError: two options name GPUs, an entry of a list is empty, or a GPU is not known.
    """
    if gpu is not None and compared is not None:
        raise UsageError("--gpu and --compare both name GPUs.", hint="Write all in --compare.")
    several = listed("--compare", compared)
    for name in several:
        named_gpu(name, "--compare")
    several = tuple(dict.fromkeys(label_of(name) for name in several))
    return Axes(
        models=tuple(dict.fromkeys(models)),
        gpus=several or (gpu,),
        versions=listed("--vllm-version", versions) or (None,),
    )


def listed(option: str, text: str | None) -> tuple[str, ...]:
    """The entries of a list with commas, each once; none where the option was not given.

    Raises:
        UsageError: an entry is empty.
    """
    if text is None:
        return ()
    entries = [entry.strip() for entry in text.split(",")]
    if not all(entries):
        raise UsageError(f"{option}: {text!r} has an empty entry.", hint="Write A,B,C.")
    return tuple(dict.fromkeys(entries))
