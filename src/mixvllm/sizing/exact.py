"""`--exact`: the estimate by the planner of the vLLM that is installed, in its own process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mixvllm.errors import EstimateError, ModelError, UsageError
from mixvllm.memory.answer import Estimate
from mixvllm.memory.defaults import api_server_limits, settled_limits
from mixvllm.memory.planned import budget_of
from mixvllm.memory.request import LONGER_VARIABLE, EstimateRequest
from mixvllm.models.find_documents import FoundDocuments, find_documents
from mixvllm.models.found import FoundModel
from mixvllm.models.from_documents import found_in
from mixvllm.settings.schema import ServeConfig
from mixvllm.sizing.exact_answer import exact_estimate
from mixvllm.sizing.exact_facts import ExactFacts
from mixvllm.sizing.here import planned_here
from mixvllm.sizing.request import Choices, estimate_request
from mixvllm.vllm_internals.installed import InstalledEngine, require_engine
from mixvllm.vllm_internals.planner_answers import Survey, survey_from
from mixvllm.vllm_internals.planner_process import OnProgress, PlannerProcess, planner_process

# Passed on as they are: the planner's settings have the names of the estimate's.
PASSED_ON = (
    "dtype",
    "quantization",
    "kv_cache_dtype",
    "block_size",
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "decode_context_parallel_size",
    "enable_prefix_caching",
    "async_scheduling",
    "mamba_cache_dtype",
    "mamba_ssm_cache_dtype",
)
# A length of which the settled limits do not depend, where the model's own is not known yet.
ANY_LENGTH = 1 << 20


@dataclass(frozen=True)
class _Asked:
    """One model to be planned: what is known before vLLM is started."""

    found: FoundDocuments
    request: EstimateRequest
    question: Mapping[str, Any]


def estimate_exactly(
    name: str, settings: ServeConfig, choices: Choices, on_progress: OnProgress
) -> Estimate:
    """Estimate by vLLM's own planner: any architecture that it has, without weights or a GPU.

    Args:
        name: The model.
        settings: How it is served.
        choices: What the command's options say.
        on_progress: Takes words about what goes on.

    Raises:
        InstallationError: vLLM is not installed, or of a version that is not supported.
        UsageError: another version than the installed one is asked for, or other requests than
            those of full length.
        ModelError: the model has no config.json that can be read.
        EstimateError: vLLM refuses the model, or its planner gave no answer.
    """
    engine = require_engine()
    check_version(choices.vllm_version, engine)
    if choices.concurrency is not None or choices.load is not None:
        raise UsageError(
            "--exact answers for requests of full length: leave --concurrency and --prompt out."
        )
    found = find_documents(name, revision=settings.model.revision)
    request = planned_here(estimate_request(settings, choices))
    question = first_question(found, request, trusts_code=settings.model.trust_remote_code)
    asked = _Asked(found, request, question)
    ours = _by_our_rules(asked, name)
    on_progress(f"asking the planner of vLLM {engine.version}; it takes 10 to 60 seconds")
    environ = {LONGER_VARIABLE: "0", **os.environ}
    with planner_process(on_progress, environ) as planner:
        survey = _ask(planner, asked, request.kv_cache_memory_bytes)
        facts = ExactFacts(name, found.source, request, survey, ours, engine.version)
        if request.gpu is not None:
            facts = _with_gpu(facts, asked, planner)
    return exact_estimate(facts)


def check_version(asked: str | None, engine: InstalledEngine) -> None:
    """Refuse another version than the installed one.

    Raises:
        UsageError: it is another.
    """
    if asked is None:
        return
    parts = asked.strip().removeprefix("v").split(".")
    if engine.version.partition("+")[0].split(".")[: len(parts)] != parts:
        raise UsageError(
            f"--vllm-version {asked}: --exact asks the vLLM that is installed, which is "
            f"{engine.version}.",
            hint="Leave one of the two out.",
        )


def first_question(
    found: FoundDocuments, request: EstimateRequest, *, trusts_code: bool
) -> dict[str, Any]:
    """What the planner is asked of a model, its memory left out.

    Raises:
        ModelError: code that the model brings is trusted, but is not here.
    """
    limits = settled_limits(
        api_server_limits(request.gpu, request.rules),
        request.max_model_len if isinstance(request.max_model_len, int) else ANY_LENGTH,
        max_num_batched_tokens=request.max_num_batched_tokens,
        max_num_seqs=request.max_num_seqs,
    )
    without_manager = request.disable_hybrid_kv_cache_manager
    is_auto = request.max_model_len == "auto"
    question: dict[str, Any] = {
        "survey": True,
        "config": found.documents.config,
        "fit_length": is_auto,
        "serving": {
            **{name: getattr(request, name) for name in PASSED_ON},
            **asdict(limits),
            "max_model_len": None if is_auto else request.max_model_len,
            "hybrid_manager": None if without_manager is None else not without_manager,
            "trust_remote_code": trusts_code,
        },
    }
    if found.documents.hf_quant_config is not None:
        question["hf_quant_config"] = found.documents.hf_quant_config
    if trusts_code and brings_code(found):
        if found.directory is None:
            raise ModelError(
                f"The code that the model brings is not on this machine ({found.origin}).",
                hint="Name a directory that has it beside config.json, or leave "
                "--trust-remote-code out.",
            )
        question["code"] = str(found.directory)
    return question


def brings_code(found: FoundDocuments) -> bool:
    """Whether the checkpoint names classes of its own."""
    return bool(found.documents.config.get("auto_map"))


def _by_our_rules(asked: _Asked, name: str) -> FoundModel | ModelError:
    """The model as the built-in rules know it, or why they do not."""
    try:
        return found_in(asked.found.documents, name, asked.found.source, asked.found.origin)
    except ModelError as error:
        return error


def _ask(planner: PlannerProcess, asked: _Asked, pool: int | None) -> Survey:
    """The planner's answer for a pool of this size.

    Raises:
        EstimateError: vLLM refuses the model, or its planner gave no answer.
    """
    try:
        return survey_from(planner.ask({**asked.question, "available_bytes": pool}))
    except EstimateError as error:
        if brings_code(asked.found) and "code" not in asked.question:
            raise EstimateError(
                error.message,
                hint="The model brings code of its own, which is run with --trust-remote-code "
                "alone.",
            ) from error
        raise


def _with_gpu(facts: ExactFacts, asked: _Asked, planner: PlannerProcess) -> ExactFacts:
    """The same with what the GPU has left for the cache."""
    budget = budget_of(facts.description, facts.weights, facts.serving, facts.request)
    if facts.request.kv_cache_memory_bytes is not None or budget is None:
        return facts.with_budget(budget, facts.survey)
    pool = max(0, budget.kv_cache.best)
    return facts.with_budget(budget, _ask(planner, asked, pool))
