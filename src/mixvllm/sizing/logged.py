"""A start-up log held against our estimate for what it says it was started with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from mixvllm.errors import EstimateError, MixvllmError
from mixvllm.memory.answer import Estimate
from mixvllm.memory.budget import requested_bytes
from mixvllm.memory.comparison import ROUNDING, TermComparison, compared, taken_bytes
from mixvllm.memory.defaults import default_utilization
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import Gpu, find_gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.rules import Rules, rules_of
from mixvllm.models.description import ModelDescription
from mixvllm.models.find import find_model
from mixvllm.models.found import FoundModel
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizes import GIB
from mixvllm.sizing.keys_read import INFERENCE_READ
from mixvllm.sizing.request import (
    ARGUMENTS_READ,
    MEMORY_ARGUMENT,
    NOT_MODELLED,
    Choices,
    chosen_gpu,
    chosen_rules,
    memory_arguments,
    read_arguments,
)
from mixvllm.vllm_internals.startup_log import StartupLog

# How far the memory of a named GPU may lie from the log's before it is another one.
SAME_GPU = 0.03
COUNTS = dict.fromkeys(
    (
        "max_model_len",
        "tensor_parallel_size",
        "pipeline_parallel_size",
        "data_parallel_size",
        "max_num_seqs",
        "max_num_batched_tokens",
    ),
    int,
)
WORDS = dict.fromkeys(("dtype", "kv_cache_dtype", "quantization"), str)
KINDS = {**COUNTS, **WORDS, "gpu_memory_utilization": float | int, "enforce_eager": bool}
SHORT_DTYPES = {"half": "float16", "float": "float32"}
TERMS_TOLD = {
    "weights_gib": "weights",
    "activation_gib": "peak activation",
    "available_gib": "KV cache memory",
    "tokens": "KV cache tokens",
    "max_concurrency": "maximum concurrency",
}


@dataclass(frozen=True)
class Beside:
    """What the user says beside the log.

    Attributes:
        settings: The settings.
        given: The keys of those that were given, not defaults.
        choices: The command's own options.
    """

    settings: ServeConfig
    given: Collection[str]
    choices: Choices


@dataclass(frozen=True)
class LogReport:
    """A start-up, held against our estimate.

    Attributes:
        log: What the log says.
        starts: How many starts it holds; the last one is reported.
        model: The model, as it was looked up or as the log has it.
        terms: Every term.
        estimate: The estimate from the settings alone; None where there is none.
        found: The model, where a source has it.
        request: What the estimate was asked for.
        revision: The revision of the model.
        reason: Why there is no estimate, or none of the memory.
        not_told: Terms that the log does not tell.
        contradictions: Where the log and what was given beside it differ; the log holds.
        assumed: What neither says.
    """

    log: StartupLog
    starts: int
    model: str | None
    terms: tuple[TermComparison, ...]
    estimate: Estimate | None = None
    found: FoundModel | None = None
    request: EstimateRequest | None = None
    revision: str | None = None
    reason: str | None = None
    not_told: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


def report(log: StartupLog, starts: int, beside: Beside) -> LogReport:
    """Hold a log against our estimate; what hinders an estimate is a reason, never an error.

    Raises:
        UsageError: an option beside the log is no GPU or version.
    """
    reader = _Reader(log, beside)
    names = (beside.settings.model.name, log.told("model"))
    model = next((str(name) for name in names if name), None)
    not_told = tuple(words for name, words in TERMS_TOLD.items() if name not in log.measured)
    made = LogReport(log, starts, model, compared(log.measured, None, None), not_told=not_told)
    try:
        if model is None:
            raise EstimateError("The log does not name the model: give --model.")
        found = find_model(model, revision=reader.revision())
        request = reader.request(found.description)
        own = _estimated(found, request)
        made = replace(
            made,
            found=found,
            revision=reader.revision(),
            request=request,
            estimate=own,
            terms=compared(reader.measured(request), own, _converted(found, request, log)),
            reason=None if own.capacity else "The log does not tell the GPU: give --gpu NAME.",
        )
    except MixvllmError as error:
        made = replace(made, reason=" ".join(filter(None, (error.message, error.hint))))
    return replace(made, contradictions=tuple(reader.contradictions), assumed=tuple(reader.assumed))


def _estimated(found: FoundModel, request: EstimateRequest) -> Estimate:
    return estimate(found.description, found.weights, found.source, request)


def _converted(
    found: FoundModel, request: EstimateRequest, log: StartupLog
) -> tuple[Estimate, Estimate, Estimate] | None:
    """What the printed memory of the cache holds by our rules, at both ends of its rounding."""
    available = log.measured.get("available_gib")
    if available is None or available <= 0:
        return None
    size = int(available * GIB)
    bounds = (max(1, size - ROUNDING), size, size + ROUNDING)
    low, best, high = (
        _estimated(found, replace(request, kv_cache_memory_bytes=pool)) for pool in bounds
    )
    return low, best, high


class _Reader:
    """Puts a request together from the log and from what is given beside it."""

    def __init__(self, log: StartupLog, beside: Beside) -> None:
        self._log = log
        self._beside = beside
        self.contradictions: list[str] = []
        self.assumed: list[str] = []

    def revision(self) -> str | None:
        """The revision of the model; a commit that the log names is not asked for again."""
        told = self._logged().get("revision")
        logged = told if isinstance(told, str) else None
        return self._beside.settings.model.revision or logged

    def request(self, description: ModelDescription) -> EstimateRequest:
        """What an estimate is asked for."""
        rules = self._rules()
        gpu = self._gpu()
        values = {name: self._setting(name) for name in INFERENCE_READ}
        if values["gpu_memory_utilization"] is None:
            values["gpu_memory_utilization"] = default_utilization(rules)
        if description.quantization is not None:
            values["quantization"] = None
        if self._log.arguments is None and self._log.told("device") != "cpu":
            self.assumed.append("The log shows no arguments: vLLM's defaults are assumed.")
        request = EstimateRequest(
            **{name: value for name, value in values.items() if value is not None},
            **self._vllm_arguments(),
            gpu=gpu,
            memory_arguments=memory_arguments({**self._beside.settings.vllm, **self._logged()}),
            may_exceed_context=True,
            rules=rules,
            vllm_version=self._log.version,
        )
        if self._log.told("device") == "cpu":
            available = self._log.measured.get("available_gib")
            pool = int(available * GIB) if available else None
            return replace(request, platform="cpu", gpu=None, kv_cache_memory_bytes=pool)
        return request

    def measured(self, request: EstimateRequest) -> dict[str, float]:
        """The log's figures, and the share of the GPU where only its name is told."""
        figures = dict(self._log.measured)
        if request.gpu is not None and taken_bytes(figures) is None:
            share = requested_bytes(request.gpu.total_bytes, request.gpu_memory_utilization)
            figures["requested_gib"] = share / GIB
            total = request.gpu.total_bytes / GIB
            self.assumed.append(f"The memory of the GPU is the table's: {total:.2f} GiB.")
        return figures

    def _rules(self) -> Rules:
        version, asked = self._log.version, self._beside.choices.vllm_version
        if version is None:
            rules = chosen_rules(asked)
            if asked is None:
                self.assumed.append(f"The log names no version: {rules.name} is assumed.")
            return rules
        if asked is not None and rules_of(version) != chosen_rules(asked):
            self._differs("vLLM", version, f"--vllm-version {asked}")
        return rules_of(version)

    def _gpu(self) -> Gpu | None:
        """The GPU that is named beside the log or in it, with the memory that the log tells."""
        named = chosen_gpu(self._beside.choices.gpu) or self._logged_gpu()
        total = self._log.measured.get("total_gib")
        if total is None:
            return named
        size = int(total * GIB)
        if named is None:
            self.assumed.append(
                "The log does not name the GPU, whose name gives some defaults: --gpu NAME."
            )
            return Gpu(name=None, total_bytes=size)
        if abs(named.total_bytes - size) > SAME_GPU * size:
            shown = f"{named.total_bytes / GIB:.2f} GiB of {named.name}"
            self._differs("the GPU has", f"{total} GiB", shown)
        return replace(named, total_bytes=size)

    def _logged_gpu(self) -> Gpu | None:
        name = self._log.gpu_name
        if name is None:
            return None
        try:
            return find_gpu(name.replace("_", " "))
        except EstimateError:
            self.assumed.append(f"The log's GPU {name} is not in the table.")
            return None

    def _setting(self, name: str) -> Any:
        told = _normal(name, self._log.told(name))
        if told is not None and not isinstance(told, KINDS[name]):
            self.assumed.append(f"The log's {name} could not be read: {str(told)[:40]!r}.")
            told = None
        key = f"inference.{name}"
        if key not in self._beside.given:
            return told
        asked = getattr(self._beside.settings.inference, name)
        if told is None:
            return asked
        if asked != told and asked != "auto":
            self._differs(name, told, asked)
        return told

    def _vllm_arguments(self) -> dict[str, Any]:
        logged = self._logged()
        known = (*ARGUMENTS_READ, *NOT_MODELLED, MEMORY_ARGUMENT)
        told = {name: self._log.told(name) for name in known if logged.get(name)}
        # `False` says something, an empty list or mapping in a full dump does not.
        for name in ARGUMENTS_READ:
            if logged.get(name) is False or self._log.config.get(name) is False:
                told[name] = False
        read = read_arguments({**self._beside.settings.vllm, **told})
        memory = told.get(MEMORY_ARGUMENT)
        return read | ({"kv_cache_memory_bytes": memory} if isinstance(memory, int) else {})

    def _logged(self) -> dict[str, Any]:
        return self._log.arguments.values if self._log.arguments else {}

    def _differs(self, what: str, told: object, asked: object) -> None:
        self.contradictions.append(f"The log says {what} {told}, not {asked}: the log holds.")


def _normal(name: str, told: Any) -> Any:
    """A value of a log as our settings have it; None for what stands for a default there."""
    if name == "max_model_len" and told in (-1, "auto", "-1"):
        return None
    if told in ("auto", "") and name not in ("dtype", "kv_cache_dtype"):
        return None
    if isinstance(told, str):
        told = told.removeprefix("torch.")
        return SHORT_DTYPES.get(told, told) if name == "dtype" else told
    return told
