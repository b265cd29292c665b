"""What mixvllm answers: from its catalogue, by the rules of one release."""

from __future__ import annotations

from benchmarks.calculators.probes.asked import Answer
from benchmarks.calculators.question import TOKENS, Subject
from mixvllm.memory.estimate import estimate
from mixvllm.memory.request import EstimateRequest
from mixvllm.memory.rules import rules_of
from mixvllm.models.find import find_model

VLLM = "0.32"


def our_answer(subject: Subject) -> Answer:
    """The bytes of one rank."""
    found = find_model(subject.name, may_ask_the_hub=False)
    request = EstimateRequest(
        max_model_len=TOKENS,
        kv_cache_dtype="bfloat16",
        tensor_parallel_size=subject.ranks,
        rules=rules_of(VLLM),
    )
    answer = estimate(found.description, found.weights, found.source, request)
    return Answer(answer.kv_cache.bytes_per_request_per_gpu, answer.weights.bytes_per_gpu)


def parameters(subject: Subject) -> int | None:
    """How many parameters the model has."""
    return find_model(subject.name, may_ask_the_hub=False).description.parameters
