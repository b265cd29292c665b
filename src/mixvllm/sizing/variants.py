"""Several estimates side by side: each model, on each GPU, by the rules of each release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from mixvllm.errors import EstimateError, MixvllmError, ModelError, UsageError
from mixvllm.memory.estimate import estimate
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.upgrade import version_changes
from mixvllm.models.find import find_model
from mixvllm.models.found import FoundModel
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.axes import Axes
from mixvllm.sizing.here import planned_here
from mixvllm.sizing.present import PresentGpus, present_gpus
from mixvllm.sizing.request import Choices, estimate_request
from mixvllm.sizing.variant import Comparison, Upgrade, Variant

# More is no table that anybody reads.
MOST_VARIANTS = 256


def estimate_variants(settings: ServeConfig, choices: Choices, axes: Axes) -> Comparison:
    """An answer or a refusal for each variant, and what the releases between them change.

    Raises:
        UsageError: a name is no GPU or version, or there are too many variants.
        EstimateError: the settings ask for what is not modelled.
    """
    if axes.count > MOST_VARIANTS:
        raise UsageError(
            f"{axes.count} estimates are asked for, at most {MOST_VARIANTS} are made at once."
        )
    present = present_gpus() if axes.gpus == (None,) else None
    requests = [
        (gpu, _request(settings, replace(choices, gpu=gpu, vllm_version=version), present))
        for gpu, version in product(axes.gpus, axes.versions)
    ]
    variants: list[Variant] = []
    upgrades: list[Upgrade] = []
    for model in axes.models:
        try:
            found = find_model(model, revision=settings.model.revision)
        except ModelError as error:
            variants += [_refused(model, gpu, request, error) for gpu, request in requests]
            continue
        answered = [_variant(model, gpu, found, request) for gpu, request in requests]
        variants += answered
        for gpu in axes.gpus:
            modelled = [
                request
                for variant, (_, request) in zip(answered, requests, strict=True)
                if variant.gpu == gpu and variant.estimate is not None
            ]
            if len(modelled) > 1:
                upgrades.append(_upgrade(model, gpu, found, modelled))
    return Comparison(tuple(variants), tuple(upgrades))


def _request(
    settings: ServeConfig, choices: Choices, present: PresentGpus | None
) -> EstimateRequest:
    request = estimate_request(settings, choices)
    return request if present is None else planned_here(request, present)


def _variant(model: str, gpu: str | None, found: FoundModel, request: EstimateRequest) -> Variant:
    try:
        answer = estimate(found.description, found.weights, found.source, request)
    except EstimateError as error:
        return _refused(model, gpu, request, error)
    return Variant(model, gpu, answer.vllm_version, estimate=answer)


def _refused(model: str, gpu: str | None, request: EstimateRequest, error: MixvllmError) -> Variant:
    return Variant(model, gpu, request.vllm_version or request.rules.name, refusal=error)


def _upgrade(
    model: str, gpu: str | None, found: FoundModel, requests: Sequence[EstimateRequest]
) -> Upgrade:
    by_age = sorted(
        requests, key=lambda each: (each.rules.version, each.rules.tokens_from_concurrency)
    )
    oldest, newest = by_age[0], by_age[-1]
    changes = version_changes(found.description, found.weights, oldest, newest.rules)
    names = [each.vllm_version or each.rules.name for each in (oldest, newest)]
    return Upgrade(model, gpu, names[0], names[1], changes)
