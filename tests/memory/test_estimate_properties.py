"""What must hold of every answer of `estimate-kv` on a GPU, whatever the model and the memory."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mixvllm.memory.answer import Capacity, Estimate
from mixvllm.memory.estimate import estimate
from mixvllm.memory.gpu_table import Gpu
from mixvllm.memory.request import EstimateRequest
from mixvllm.models.sources import catalogue, catalogue_file

GIB = 1 << 30
WEIGHED = [
    entry
    for name in catalogue_file.names()
    if (entry := catalogue.look_up(name)) is not None and entry.weights is not None
]
models = st.sampled_from(WEIGHED)
sizes = st.integers(GIB, 300 * GIB)
lengths = st.integers(1, 1_000_000)


def answer(
    model: catalogue.CatalogueEntry, total: int, length: int, batch: int | None = None
) -> Estimate:
    request = EstimateRequest(
        gpu=Gpu(None, total),
        max_model_len=length,
        may_exceed_context=True,
        max_num_batched_tokens=batch,
        max_num_seqs=batch and 256,
    )
    return estimate(model.description, model.weights, "catalogue", request)


def capacity_of(found: Estimate) -> Capacity:
    assert found.capacity is not None
    return found.capacity


@settings(deadline=None, max_examples=60)
@given(models, sizes, lengths)
def test_no_number_is_negative_and_the_bounds_enclose_the_guess(
    model: catalogue.CatalogueEntry, total: int, length: int
) -> None:
    found = answer(model, total, length)
    capacity = capacity_of(found)
    low, high = capacity.tokens_low or 0, capacity.tokens_high or 0
    assert 0 <= low <= capacity.tokens <= high
    assert capacity.num_blocks >= 0
    assert capacity.max_model_len_that_fits >= 0
    assert found.kv_cache.bytes_per_token >= 0
    assert found.kv_cache.bytes_per_request > 0
    assert found.kv_cache.bytes_per_request_per_gpu <= found.kv_cache.bytes_per_request


@settings(deadline=None, max_examples=60)
@given(models, sizes, sizes, lengths)
def test_a_smaller_gpu_with_the_same_limits_never_holds_more(
    model: catalogue.CatalogueEntry, one: int, other: int, length: int
) -> None:
    less, more = (capacity_of(answer(model, size, length, 2048)) for size in sorted((one, other)))
    assert less.pool_bytes <= more.pool_bytes
    assert less.tokens <= more.tokens
    assert less.max_concurrency <= more.max_concurrency
    assert less.max_model_len_that_fits <= more.max_model_len_that_fits
    assert more.fits or not less.fits


@settings(deadline=None, max_examples=60)
@given(models, sizes, lengths, st.integers(256, 20_000), st.integers(256, 20_000))
def test_a_larger_batch_never_leaves_more(
    model: catalogue.CatalogueEntry, total: int, length: int, one: int, other: int
) -> None:
    small, large = (answer(model, total, length, batch) for batch in sorted((one, other)))
    assert capacity_of(small).pool_bytes >= capacity_of(large).pool_bytes
    assert small.kv_cache.bytes_per_request <= large.kv_cache.bytes_per_request
    assert capacity_of(small).max_concurrency >= capacity_of(large).max_concurrency


@settings(deadline=None, max_examples=60)
@given(models, sizes)
def test_the_longest_context_fits_and_one_block_more_does_not(
    model: catalogue.CatalogueEntry, total: int
) -> None:
    limit = model.description.context_length or 4096
    request = EstimateRequest(
        kv_cache_memory_bytes=total, max_model_len=limit, may_exceed_context=True
    )

    def at(length: int) -> Estimate:
        asked = replace(request, max_model_len=length, max_num_batched_tokens=2048, max_num_seqs=1)
        return estimate(model.description, model.weights, "catalogue", asked)

    first = at(limit)
    longest = capacity_of(first).max_model_len_that_fits
    if longest:
        assert at(longest).fits
    if longest < limit:
        assert not at(longest + first.settings.block_size).fits
