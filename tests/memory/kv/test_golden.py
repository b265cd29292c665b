"""The rules against what vLLM's own planner answered, to the byte."""

from __future__ import annotations

import pytest

from mixvllm.memory.kv.plan import plan_kv_cache
from tests.memory.golden import ROWS, GoldenRow


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_plan_is_vllms_to_the_byte(row: GoldenRow) -> None:
    plan = plan_kv_cache(row.description, row.serving, row.available_bytes)
    planned = {
        "block_size": plan.block_size,
        "bytes_per_block": plan.bytes_per_block,
        "num_blocks": plan.num_blocks,
        "bytes_per_request": plan.bytes_per_request,
        "tokens": plan.tokens,
        "max_concurrency": f"{plan.max_concurrency:.2f}",
    }
    assert {name: planned[name] for name in row.expected} == row.expected
