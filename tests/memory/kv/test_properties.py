"""What must hold for every model and every setting."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.kv.planned_cache import KvPlan
from mixvllm.memory.serving import ServingFacts
from mixvllm.models.description import ModelDescription
from tests.memory.golden import ROWS, GoldenRow

GIB = 2**30
# One model of each mixture of kinds, with settings that are known to go together.
SOURCES = [row for row in ROWS if row.source in ("meta device", "specs by hand")]
rows = st.sampled_from(SOURCES)
lengths = st.integers(1, 200_000)
batches = st.integers(1, 20_000)
pools = st.integers(0, 80 * GIB)


def plan(description: ModelDescription, serving: ServingFacts, pool: int) -> KvPlan:
    return plan_kv_cache(description, serving, pool)


@settings(deadline=None)
@given(rows, lengths, batches, pools)
def test_no_number_is_negative_and_the_pool_holds_its_blocks(
    row: GoldenRow, length: int, batch: int, pool: int
) -> None:
    serving = replace(row.serving, max_model_len=length, max_num_batched_tokens=batch)
    planned = plan(row.description, serving, pool)
    assert planned.num_blocks >= 0
    assert planned.tokens >= 0
    assert planned.max_model_len_that_fits >= 0
    assert planned.num_blocks * planned.bytes_per_block <= pool
    assert pool < (planned.num_blocks + 1) * planned.bytes_per_block


@settings(deadline=None)
@given(rows, lengths, lengths, batches, batches)
def test_a_longer_request_or_a_larger_batch_never_needs_less(
    row: GoldenRow, one: int, other: int, few: int, many: int
) -> None:
    short, long = sorted((one, other))
    small, large = sorted((few, many))
    less = replace(row.serving, max_model_len=short, max_num_batched_tokens=small)
    more = replace(row.serving, max_model_len=long, max_num_batched_tokens=large)
    assert (
        plan(row.description, less, 0).bytes_per_request
        <= plan(row.description, more, 0).bytes_per_request
    )


@settings(deadline=None)
@given(rows, lengths, pools, pools)
def test_less_memory_never_gives_more_tokens(
    row: GoldenRow, length: int, one: int, other: int
) -> None:
    small, large = sorted((one, other))
    serving = replace(row.serving, max_model_len=length)
    less = plan(row.description, serving, small)
    more = plan(row.description, serving, large)
    assert less.tokens <= more.tokens
    assert less.max_concurrency <= more.max_concurrency
    assert less.max_model_len_that_fits <= more.max_model_len_that_fits


@settings(deadline=None)
@given(rows, lengths, pools)
def test_the_longest_length_fits_and_one_token_more_does_not(
    row: GoldenRow, length: int, pool: int
) -> None:
    serving = replace(row.serving, max_model_len=length)
    planned = plan(row.description, serving, pool)
    longest = planned.max_model_len_that_fits
    bound = max(length, row.description.context_length or 0)
    if longest:
        assert plan(row.description, replace(serving, max_model_len=longest), pool).fits
    if longest < bound:
        assert not plan(row.description, replace(serving, max_model_len=longest + 1), pool).fits


@settings(deadline=None)
@given(rows, lengths)
def test_the_needed_bytes_are_the_smallest_pool_that_fits(row: GoldenRow, length: int) -> None:
    serving = replace(row.serving, max_model_len=length)
    needed = plan(row.description, serving, 0).needed_bytes
    assert plan(row.description, serving, needed).fits
    assert not plan(row.description, serving, needed - 1).fits
