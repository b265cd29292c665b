from __future__ import annotations

import pytest

from mixvllm.memory.kv.plan import plan_kv_cache
from mixvllm.memory.kv.planned_cache import KvPlan
from mixvllm.sizes import GIB
from tests.memory.logs import ROWS, LogRow

COMPARED = [row for row in ROWS if not row.get("left_out")]
# The memory is printed with two decimals.
ROUNDING_GIB = 0.005


def planned(row: LogRow, available_gib: float) -> KvPlan:
    return plan_kv_cache(row.description, row.serving, int(available_gib * GIB))


@pytest.mark.parametrize("row", COMPARED, ids=repr)
def test_the_printed_tokens_follow_from_the_printed_memory(row: LogRow) -> None:
    available = row.get("available_kv_gib")
    least, most = planned(row, available - ROUNDING_GIB), planned(row, available + ROUNDING_GIB)
    assert least.tokens <= row.get("kv_cache_tokens") <= most.tokens


def test_every_row_that_is_not_compared_says_why() -> None:
    assert (len(COMPARED), len(ROWS)) == (80, 144)
    assert all(len(row.get("left_out")) > 10 for row in ROWS if row not in COMPARED)
