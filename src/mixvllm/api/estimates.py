"""Estimates of the memory: one, several side by side, backwards, and beside a real start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixvllm.api.settings import settings_of
from mixvllm.settings.resolve import Resolved, require_model
from mixvllm.settings.schema import ServeConfig

if TYPE_CHECKING:
    from mixvllm.memory.answer import Estimate
    from mixvllm.memory.solution import Solution
    from mixvllm.models.found import FoundModel
    from mixvllm.sizing.logged import LogReport
    from mixvllm.sizing.request import Choices
    from mixvllm.sizing.variant import Comparison

COMMAND = "estimate-kv"


def estimate(
    model: str | ServeConfig | Resolved,
    *,
    gpu: str | None = None,
    kv_cache_memory: str | None = None,
    vllm_version: str | None = None,
    block_size: int | None = None,
    concurrency: int | None = None,
    load: tuple[int, int] | None = None,
    measured: bool = True,
    exact: bool = False,
    **flags: Any,
) -> Estimate:
    """What vLLM will report as its KV cache, before anything is loaded: `mixvllm estimate-kv`.

    Args:
        model: A name, a path, `demo`, or settings that name it.
        gpu: `H100`, `A100-40G`, `24GiB`, ...; without it the GPUs of this machine, if any.
        kv_cache_memory: The memory of the cache on each GPU (`40GiB`) in place of the budget.
        vllm_version: Whose rules (`0.24`); without it those of the installed vLLM, or the newest.
        block_size: Tokens of a block.
        concurrency: Requests that must run at once.
        load: Tokens of the average prompt and of the average answer.
        measured: Whether what a start on this machine measured counts.
        exact: Whether the planner of the installed vLLM is asked, which takes 10 to 60 seconds.
        flags: Flags of `mixvllm serve` by their names (`max_model_len=32768`).

    Raises:
        SettingsError: a flag is wrong, or no model is named.
        UsageError: an argument is no GPU, size or release that is known.
        ModelError: nobody here knows the model.
        EstimateError: its memory is not known.
        InstallationError: `exact`, and there is no vLLM that can be asked.
    """
    from mixvllm.memory.estimate import estimate as estimated
    from mixvllm.sizing.for_model import for_model
    from mixvllm.sizing.here import planned_here
    from mixvllm.sizing.request import estimate_request

    settings = settings_of(model, flags)
    name = require_model(settings, COMMAND)
    choices = _choices(gpu, kv_cache_memory, vllm_version, block_size, concurrency, load)
    if exact:
        from mixvllm.sizing.exact import estimate_exactly

        return estimate_exactly(name, settings, choices, on_progress=lambda said: None)
    request = planned_here(estimate_request(settings, choices))
    found = _found(settings)
    request = for_model(request, found, settings.model.revision, measured=measured)
    return estimated(found.description, found.weights, found.source, request)


def solve(
    unknown: str,
    model: str | ServeConfig | Resolved | None = None,
    *,
    gpu: str | None = None,
    kv_cache_memory: str | None = None,
    vllm_version: str | None = None,
    block_size: int | None = None,
    concurrency: int | None = None,
    load: tuple[int, int] | None = None,
    measured: bool = True,
    **flags: Any,
) -> Solution:
    """Find what will do: `mixvllm estimate-kv --solve`. Without one its `answer` is None.

    Args:
        unknown: `max_model_len`, `concurrency`, `gpus`, `gpu`, `quantization`, or `model`.
        model: As for `estimate`; left out where it is looked for.
        gpu: As for `estimate`, but those of this machine are not taken unasked.
        kv_cache_memory: As for `estimate`.
        vllm_version: As for `estimate`.
        block_size: As for `estimate`.
        concurrency: Requests that must run at once; one where it is left out.
        load: As for `estimate`.
        measured: As for `estimate`.
        flags: Flags of `mixvllm serve` by their names.

    Raises:
        SettingsError: a flag is wrong, or no model is named.
        UsageError: something that the question needs is not given, or what it looks for is.
        ModelError: nobody here knows the model.
        EstimateError: vLLM would refuse the settings, or their memory is not known.
    """
    from mixvllm.memory.solve import solve as solved
    from mixvllm.memory.trial import Checkpoint
    from mixvllm.sizing.for_model import for_model
    from mixvllm.sizing.request import estimate_request
    from mixvllm.sizing.solve_model import best_models
    from mixvllm.sizing.solve_question import asked_unknown, check_question

    asked = asked_unknown(unknown)
    settings = settings_of(model, flags)
    choices = _choices(gpu, kv_cache_memory, vllm_version, block_size, concurrency, load)
    request = estimate_request(settings, choices)
    check_question(asked, request, choices, names_model=isinstance(model, str))
    if asked == "model":
        return best_models(request)
    require_model(settings, COMMAND)
    found = _found(settings)
    request = for_model(request, found, settings.model.revision, measured=measured)
    return solved(asked, Checkpoint(found.description, found.weights), request)


def compare(
    model: str | Sequence[str] | ServeConfig | Resolved,
    *,
    gpu: str | Sequence[str] | None = None,
    vllm_version: str | Sequence[str] | None = None,
    kv_cache_memory: str | None = None,
    block_size: int | None = None,
    concurrency: int | None = None,
    load: tuple[int, int] | None = None,
    **flags: Any,
) -> Comparison:
    """Estimates side by side, for each of several models, GPUs and releases of vLLM.

    This is `mixvllm estimate-kv` with several models, `--compare` or several releases. A variant
    without an estimate tells why in `refusal`.

    Args:
        model: As for `estimate`, or several names.
        gpu: As for `estimate`, or several.
        vllm_version: As for `estimate`, or several: what changes between them is told too.
        kv_cache_memory: As for `estimate`.
        block_size: As for `estimate`.
        concurrency: As for `estimate`.
        load: As for `estimate`.
        flags: Flags of `mixvllm serve` by their names.

    Raises:
        SettingsError: a flag is wrong, or no model is named.
        UsageError: a name is no GPU or release, or these are too many.
        EstimateError: the settings ask for what is not modelled.
    """
    from mixvllm.sizing.axes import Axes
    from mixvllm.sizing.variants import estimate_variants

    names: tuple[str, ...] = ()
    if isinstance(model, ServeConfig | Resolved):
        settings = settings_of(model, flags)
    else:
        names = _several(model)
        settings = settings_of(names[0] if names else None, flags)
    axes = Axes(
        models=names or (require_model(settings, COMMAND),),
        gpus=_several(gpu) or (None,),
        versions=_several(vllm_version) or (None,),
    )
    choices = _choices(None, kv_cache_memory, None, block_size, concurrency, load)
    return estimate_variants(settings, choices, axes)


def read_log(
    file: str | Path,
    model: str | ServeConfig | Resolved | None = None,
    *,
    gpu: str | None = None,
    vllm_version: str | None = None,
    keep: bool = False,
    **flags: Any,
) -> LogReport:
    """What vLLM printed when it started, beside what we predict: `estimate-kv --from-log`.

    Args:
        file: Its log.
        model: The model, where the log does not name it; else the log holds.
        gpu: The GPU, where the log does not name it.
        vllm_version: The release, where the log does not name it.
        keep: Whether what was measured is kept for later estimates, as by `--save`.
        flags: Flags of `mixvllm serve` by their names, where the log does not tell them.

    Raises:
        SettingsError: a flag is wrong.
        UsageError: an argument is no GPU or release that is known.
        LogError: the file cannot be read, or is no start-up log of vLLM.
        EstimateError: it is to be kept, and measured nothing of use.
    """
    from mixvllm.settings.direct import given_keys
    from mixvllm.sizing.log_file import keep_measured, opened_log, report_on
    from mixvllm.sizing.logged import Beside
    from mixvllm.sizing.request import Choices

    settings = settings_of(model, flags)
    choices = Choices(gpu=gpu, vllm_version=vllm_version)
    with opened_log(file) as stream:
        made = report_on(stream, str(file), Beside(settings, given_keys(settings), choices))
    if keep:
        keep_measured(made)
    return made


def _choices(
    gpu: str | None,
    kv_cache_memory: str | None,
    vllm_version: str | None,
    block_size: int | None,
    concurrency: int | None,
    load: tuple[int, int] | None,
) -> Choices:
    from mixvllm.memory.request import Load
    from mixvllm.sizing.request import Choices

    average = None if load is None else Load(*load)
    return Choices(gpu, kv_cache_memory, vllm_version, block_size, concurrency, average)


def _found(settings: ServeConfig) -> FoundModel:
    from mixvllm.models.find import find_model

    return find_model(require_model(settings, COMMAND), revision=settings.model.revision)


def _several(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """One name or several, each once."""
    names = [given] if isinstance(given, str) else given or ()
    return tuple(dict.fromkeys(names))
