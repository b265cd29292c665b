"""What the command line of `mixvllm estimate-kv` asks, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mixvllm.cli.invocation import Invocation
from mixvllm.memory.request import Load
from mixvllm.settings.flags import GivenFlag
from mixvllm.settings.resolve import Resolved, require_model
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.axes import Axes, asked_axes
from mixvllm.sizing.request import Choices

if TYPE_CHECKING:
    from mixvllm.memory.request import EstimateRequest
    from mixvllm.models.found import FoundModel


@dataclass(frozen=True)
class Asked:
    """What is asked, as the user wrote it.

    Attributes:
        invocation: The command's output, and what followed `--`.
        flags: The flags of settings.
        models: The models that were named.
        config: `--config`.
        profile: `--profile`.
        resolved: The settings.
        gpu: `--gpu`.
        compared: `--compare`.
        kv_cache_memory: `--kv-cache-memory`.
        vllm_version: `--vllm-version`.
        block_size: `--block-size`.
        concurrency: `--concurrency`.
        load: `--prompt` and `--output`.
        explained: Whether formulas are shown.
        charted: Whether growth is drawn.
        measured: Whether what was measured here counts.
        forgotten: Whether it is to be forgotten.
    """

    invocation: Invocation
    flags: Sequence[GivenFlag]
    models: tuple[str, ...]
    config: Path | None
    profile: str | None
    resolved: Resolved
    gpu: str | None
    compared: str | None
    kv_cache_memory: str | None
    vllm_version: str | None
    block_size: int | None
    concurrency: int | None
    load: Load | None
    explained: bool
    charted: bool
    measured: bool
    forgotten: bool

    @property
    def settings(self) -> ServeConfig:
        """The settings."""
        return self.resolved.settings

    @property
    def axes(self) -> Axes:
        """What is put side by side; the environment may name another model, and wins, alone.

        Raises:
            UsageError: two options name GPUs, or an entry of a list is empty.
        """
        name = self.settings.model.name or ""
        named = self.models if self.models and self.models[0] == name else (name,)
        return asked_axes(named, gpu=self.gpu, compared=self.compared, versions=self.vllm_version)

    def choices(self, axes: Axes | None = None) -> Choices:
        """The options for the first of what is put side by side."""
        return Choices(
            axes.gpus[0] if axes else self.gpu,
            self.kv_cache_memory,
            axes.versions[0] if axes else self.vllm_version,
            self.block_size,
            self.concurrency,
            self.load,
        )

    def model_name(self) -> str:
        """The model that is asked about.

        Raises:
            UsageError: no layer names one.
        """
        return require_model(self.settings, "estimate-kv")

    def found(self) -> FoundModel:
        """The model, described by the first source that knows it.

        Raises:
            ModelError: none does.
        """
        from mixvllm.models.find import find_model

        return find_model(self.model_name(), revision=self.settings.model.revision)

    def of_model(self, request: EstimateRequest, found: FoundModel) -> EstimateRequest:
        """The request with what is to be said of the model, and what was measured of it here.

        Raises:
            DirectoryError: what is to be forgotten cannot be removed.
        """
        if self.forgotten:
            self._forget(found)
        from mixvllm.sizing.for_model import for_model

        measured = self.measured and not self.forgotten
        return for_model(request, found, self.settings.model.revision, measured=measured)

    def _forget(self, found: FoundModel) -> None:
        from mixvllm.sizing.measurements import forget, identity_of

        gone = forget(identity_of(found, self.settings.model.revision))
        name = found.description.name
        removed = f"{gone} {'measurement' if gone == 1 else 'measurements'} of {name} removed."
        self.invocation.output.note(removed if gone else f"Nothing of {name} was measured here.")
