"""All that an exact estimate is made of: vLLM's answer, and what the built-in rules know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from mixvllm.errors import ModelError
from mixvllm.memory.budget import Budget
from mixvllm.memory.request import EstimateRequest, as_asked, serving_facts
from mixvllm.memory.serving import ServingFacts
from mixvllm.memory.weights import RankWeights, buffer_bytes, rank_weights
from mixvllm.memory.what_if import weights_as_asked
from mixvllm.models.description import (
    FullAttention,
    LatentAttention,
    Layer,
    ModelDescription,
    NoCache,
    SlidingWindow,
)
from mixvllm.models.found import FoundModel, ModelSource
from mixvllm.models.weights.groups import WeightFacts
from mixvllm.vllm_internals.planner_answers import SeenLayers, Survey


@dataclass(frozen=True)
class ExactFacts:
    """All that an exact estimate is made of.

    Attributes:
        name: How the user named the model.
        source: The kind of place that had its config.json.
        request: The settings.
        survey: vLLM's answer.
        ours: The model as the built-in rules know it, or why they do not.
        version: The vLLM that answered.
        budget: The memory of the GPU, where one is named.
    """

    name: str
    source: ModelSource
    request: EstimateRequest
    survey: Survey
    ours: FoundModel | ModelError
    version: str
    budget: Budget | None = None

    def with_budget(self, budget: Budget | None, survey: Survey) -> ExactFacts:
        """The same on a GPU."""
        return replace(self, budget=budget, survey=survey)

    @cached_property
    def description(self) -> ModelDescription:
        """The model: ours where the rules know it, else what vLLM's configuration tells."""
        seen = self.survey.model
        if isinstance(self.ours, FoundModel):
            return as_asked(self.ours.description, self.request)
        return ModelDescription(
            name=self.name,
            architecture=seen.architecture,
            model_type=seen.model_type,
            layers=tuple(
                layer
                for layers in self.survey.layers
                for layer in (_layer(layers, seen.rope_size or 0),) * layers.count
            ),
            context_length=seen.context_length,
            dtype=seen.dtype,
            attention_heads=seen.attention_heads,
            hidden_size=seen.hidden_size,
            vocab_size=seen.vocab_size,
            quantization=seen.quantization,
            parameters=self.survey.parameters if self.ranks == 1 else None,
            is_multimodal=seen.is_multimodal,
            is_moe=seen.is_moe,
        )

    @property
    def ranks(self) -> int:
        """GPUs of one copy of the model."""
        return self.request.tensor_parallel_size * self.request.pipeline_parallel_size

    @cached_property
    def serving(self) -> ServingFacts:
        """How it is served, at the length that vLLM planned for."""
        fixed = replace(
            self.request,
            max_model_len=self.survey.model.max_model_len,
            may_exceed_context=True,
        )
        return serving_facts(self.description, fixed)

    @cached_property
    def our_weights(self) -> WeightFacts | None:
        """The weights by files or formula, in the asked format; None where they are not known."""
        if isinstance(self.ours, ModelError):
            return None
        return weights_as_asked(
            self.ours.weights,
            self.ours.description,
            dtype=self.description.dtype,
            quantization=self.request.quantization,
        )

    @cached_property
    def weights(self) -> RankWeights | None:
        """The weights on the most loaded GPU: vLLM's own, else ours, else None."""
        if self.description.is_moe and self.request.data_parallel_size > 1:
            return None
        ours = None
        if self.our_weights is not None:
            ours = rank_weights(self.our_weights, self.description, self.serving)
        size = self.survey.weights_bytes
        if size is None:
            return ours
        tables = ours.buffer_bytes if ours else buffer_bytes(self.description, self.serving)
        return RankWeights(size, tables, {}, "by vLLM")


def _layer(seen: SeenLayers, rope_size: int) -> Layer:
    """A layer as far as the tables beside the weights depend on it."""
    heads, key_size, value_size = seen.heads or 1, seen.key_size or 0, seen.value_size or 0
    match seen.kind:
        case "latent_attention":
            return LatentAttention(key_size - rope_size, rope_size)
        case "sliding_window" if seen.window is not None:
            return SlidingWindow(heads, key_size, value_size, seen.window)
        case "full_attention":
            return FullAttention(heads, key_size, value_size)
        case _:
            return NoCache()
